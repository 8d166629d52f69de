"""The policies as an officer edits them: days per policy, days per JSON path. What they come to is terms.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg

from privacy.retention.errors import InvalidRetentionError, UnknownPolicyError, UnstatedReasonError

CLASSES = ("transient", "short_term", "medium_term", "long_term")  # what an event says of itself
COLUMNS = ("data", "metadata", "client_info")


@dataclass(frozen=True, slots=True)
class Policy:
    """How many days a kind of data stays (None: no end), and after how many a copy of foreign data is refreshed."""

    name: str
    days: int | None
    refresh_days: int | None
    note: str
    changed_by: str
    reason: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PropertyRule:
    """Values at one JSON path of raw events that go after some days while the event stays. '*' is every event type."""

    event_type: str
    path: str
    days: int | None

    @property
    def column(self) -> str:
        """The column of raw.system_logs that the path begins with."""
        return self.path.split("/")[1]

    @property
    def keys(self) -> list[str]:
        """The steps below the column, with JSON Pointer's escapes undone (RFC 6901, section 4)."""
        return [step.replace("~1", "/").replace("~0", "~") for step in self.path.split("/")[2:]]


def policies(conn: psycopg.Connection) -> dict[str, Policy]:
    """Every policy by name."""
    rows = conn.execute(
        "select policy, days, refresh_days, note, changed_by, reason, changed_at from privacy.retention_policies"
        " order by policy"
    ).fetchall()
    return {row[0]: Policy(*row) for row in rows}


def property_rules(conn: psycopg.Connection) -> list[PropertyRule]:
    """Every rule about values inside events."""
    rows = conn.execute("select event_type, path, days from privacy.retention_properties order by 1, 2").fetchall()
    return [PropertyRule(*row) for row in rows]


def set_policy(
    conn: psycopg.Connection, name: str, days: int | None, *, changed_by: str, reason: str, now: datetime
) -> Policy:
    """Change the days of a policy; the database writes the change down. Raises a RetentionInputError."""
    return _set(conn, name, "days", days, changed_by, reason, now)


def set_refresh(
    conn: psycopg.Connection, name: str, days: int | None, *, changed_by: str, reason: str, now: datetime
) -> Policy:
    """Change after how many days a copy of foreign data is due to be looked for again. Raises a RetentionInputError."""
    known = policies(conn)
    if name in known and known[name].refresh_days is None:
        refreshed = ", ".join(policy.name for policy in known.values() if policy.refresh_days)
        raise InvalidRetentionError(f"{name} is no copy of foreign data; what is refreshed is {refreshed or 'nothing'}")
    if days is None:
        raise InvalidRetentionError("a copy of foreign data is always looked for again; give a number of days")
    return _set(conn, name, "refresh_days", days, changed_by, reason, now)


def _set(  # noqa: PLR0913, PLR0917 - one row's change, and who answers for it
    conn: psycopg.Connection, name: str, column: str, days: int | None, changed_by: str, reason: str, now: datetime
) -> Policy:
    _stated(changed_by, reason)
    _possible(days)
    known = policies(conn)
    if name not in known:
        raise UnknownPolicyError(f"there is no policy {name!r}; the policies are {', '.join(known)}")
    conn.execute(
        f"update privacy.retention_policies set {column} = %s, changed_by = %s, reason = %s, "
        "changed_at = greatest(%s, changed_at + interval '1 microsecond') where policy = %s".encode(),
        (days, changed_by, reason, now, name),
    )
    changed = policies(conn)[name]
    conn.commit()
    return changed


def set_property(
    conn: psycopg.Connection, rule: PropertyRule, *, changed_by: str, reason: str, now: datetime
) -> PropertyRule:
    """Rule how long the values at a path stay (None: as long as their event). Raises a RetentionInputError."""
    _stated(changed_by, reason)
    _possible(rule.days)
    if not rule.path.startswith("/") or rule.column not in COLUMNS or not all(rule.keys) or not rule.keys:
        raise InvalidRetentionError(
            f"{rule.path!r} is no path into an event; write it like /data/prompt or /data/items/*/note"
        )
    conn.execute(
        "insert into privacy.retention_properties as old (event_type, path, days, changed_by, reason, changed_at) "
        "values (%s, %s, %s, %s, %s, %s) on conflict (event_type, path) do update set days = excluded.days, "
        "changed_by = excluded.changed_by, reason = excluded.reason, "
        "changed_at = greatest(excluded.changed_at, old.changed_at + interval '1 microsecond')",
        (rule.event_type, rule.path, rule.days, changed_by, reason, now),
    )
    conn.commit()
    return rule


def cutoff(now: datetime, days: int | None) -> date | None:
    """The first UTC day that stays: a row of an earlier day is older than `days` days. None when nothing expires."""
    return None if days is None else now.astimezone(UTC).date() - timedelta(days=days)


def class_cutoffs(known: dict[str, Policy], store_days: int | None, now: datetime) -> dict[str, date]:
    """Per class of an event the first day that stays: the shorter of the event's own term and its store's wins."""
    terms = {name: [d for d in (known[name].days, store_days) if d is not None] for name in CLASSES}
    return {name: found for name, days in terms.items() if days and (found := cutoff(now, min(days)))}


def _stated(changed_by: str, reason: str) -> None:
    if not changed_by.strip() or not reason.strip():
        raise UnstatedReasonError("a change of retention needs somebody who answers for it and a reason")


def _possible(days: int | None) -> None:
    if days is not None and days < 1:
        raise InvalidRetentionError(f"{days} days is no term; give 1 or more, or no end")
