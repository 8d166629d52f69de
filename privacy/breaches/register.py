"""The register: breaches and their append-only entries, and what they add up to. The clock is clock.py."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import psycopg

from privacy.breaches.errors import (
    BreachInputError,
    ClosedBreachError,
    InvalidFactError,
    UnansweredDutyError,
    UnknownBreachError,
)

# What Art. 33(3) and 34(2) of the GDPR ask for, by the name under which it is entered.
TEXTS = ("nature", "consequences", "measures", "contact", "delay_reason", "no_subject_notice_reason")
LISTS = ("categories_of_data", "categories_of_subjects")
NUMBERS = ("n_subjects", "n_records")
AUTHORITY, SUBJECTS = "authority", "subjects"


@dataclass(frozen=True, slots=True)
class MarkedTable:
    """A table that the breach reached, and the days of its rows (None: from the first, to the last)."""

    table: str
    first_on: date | None = None
    last_on: date | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """What is known of a breach. A fact that nobody entered is absent from `facts`: nothing is made up.

    markings: the entries by which tables were marked; drafted: those of them that drafts were written for.
    """

    breach_id: int
    title: str
    aware_at: datetime
    opened_by: str
    opened_at: datetime
    facts: Mapping[str, Any]
    tables: tuple[MarkedTable, ...] = ()
    alarms: tuple[int, ...] = ()
    notified_at: Mapping[str, datetime] | None = None
    closed_at: datetime | None = None
    markings: tuple[int, ...] = ()
    drafted: tuple[int, ...] = ()

    def was_told(self, whom: str) -> bool:
        """Whether the authority, or the subjects, were notified."""
        return whom in (self.notified_at or {})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a breach's history."""

    entry_id: int
    kind: str
    details: Mapping[str, Any]
    recorded_by: str
    recorded_at: datetime


def open_breach(conn: psycopg.Connection, title: str, *, aware_at: datetime, opened_by: str, now: datetime) -> int:
    """Enter a breach; the 72 hours run from aware_at. Returns its number."""
    if aware_at > now:
        raise BreachInputError("nobody becomes aware of a breach in the future; check the time and its zone")
    if not title.strip() or not opened_by.strip():
        raise BreachInputError("a breach needs a title and somebody who enters it")
    row = conn.execute(
        "insert into privacy.breaches (title, aware_at, opened_by, opened_at) values (%s, %s, %s, %s) "
        "returning breach_id",
        (title, aware_at, opened_by, now),
    ).fetchone() or (0,)
    conn.commit()
    return int(row[0])


def add_facts(
    conn: psycopg.Connection, breach_id: int, facts: Mapping[str, Any], *, recorded_by: str, now: datetime
) -> Breach:
    """Enter facts by name; a later one replaces an earlier one, which stays in the history."""
    for name, value in facts.items():
        _check_fact(name, value)
    return _append(conn, breach_id, "facts", [facts], recorded_by, now)


def mark_tables(
    conn: psycopg.Connection, breach_id: int, tables: Sequence[MarkedTable], *, recorded_by: str, now: datetime
) -> Breach:
    """Enter tables that the breach reached. Whether they exist is checked by who counts the affected."""
    if any(t.first_on and t.last_on and t.first_on > t.last_on for t in tables):
        raise BreachInputError("the days of a marked table end before they begin")
    rows = [{"table": t.table, "first_on": _text(t.first_on), "last_on": _text(t.last_on)} for t in tables]
    return _append(conn, breach_id, "tables", [{"tables": rows}], recorded_by, now)


def record_drafts(
    conn: psycopg.Connection, breach_id: int, drafts: Sequence[Mapping[str, Any]], *, recorded_by: str, now: datetime
) -> Breach:
    """Enter that drafts were written, all or none: for whom, of which markings, digests of the texts."""
    return _append(conn, breach_id, "drafted", drafts, recorded_by, now)


def record_notification(
    conn: psycopg.Connection, breach_id: int, whom: str, *, reference: str, recorded_by: str, now: datetime
) -> Breach:
    """Enter that the authority or the subjects were told; Lethe itself sends nothing."""
    if whom not in (AUTHORITY, SUBJECTS):
        raise BreachInputError(f"a notification goes to {AUTHORITY} or to {SUBJECTS}, not to {whom!r}")
    return _append(conn, breach_id, "notified", [{"whom": whom, "reference": reference}], recorded_by, now)


def close(
    conn: psycopg.Connection, breach_id: int, *, reasons: Mapping[str, str], recorded_by: str, now: datetime
) -> Breach:
    """Close a breach whose two duties are answered: told, or `reasons` says why not (Art. 33(1), 34(3)).

    reasons: authority or subjects -> why they need not be told. Raises UnansweredDutyError.
    """
    breach = load(conn, breach_id)
    for whom in (AUTHORITY, SUBJECTS):
        if not breach.was_told(whom) and not reasons.get(whom, "").strip():
            raise UnansweredDutyError(
                f"breach {breach_id}: the {whom} were not notified and no reason says why they need not be"
            )
    return _append(conn, breach_id, "closed", [{"not_notified": dict(reasons)}], recorded_by, now)


def load(conn: psycopg.Connection, breach_id: int) -> Breach:
    """One breach as its entries make it. Raises UnknownBreachError."""
    row = conn.execute(
        "select breach_id, title, aware_at, opened_by, opened_at from privacy.breaches where breach_id = %s",
        (breach_id,),
    ).fetchone()
    if row is None:
        raise UnknownBreachError(f"there is no breach {breach_id}; `lethe privacy breaches status` lists them")
    return summed(Breach(row[0], row[1], row[2], row[3], row[4], {}), history(conn, breach_id))


def all_breaches(conn: psycopg.Connection, *, only_open: bool = False) -> list[Breach]:
    """Every breach, the oldest first."""
    found = [load(conn, row[0]) for row in conn.execute("select breach_id from privacy.breaches order by 1").fetchall()]
    return [breach for breach in found if not (only_open and breach.closed_at)]


def history(conn: psycopg.Connection, breach_id: int) -> list[Entry]:
    """The entries of a breach in the order in which they were made."""
    rows = conn.execute(
        "select entry_id, kind, details, recorded_by, recorded_at from privacy.breach_entries "
        "where breach_id = %s order by entry_id",
        (breach_id,),
    ).fetchall()
    return [Entry(*row) for row in rows]


def summed(breach: Breach, entries: Sequence[Entry]) -> Breach:
    """The breach after its entries. Pure."""
    for entry in entries:
        breach = _after(breach, entry)
    return breach


def _after(breach: Breach, entry: Entry) -> Breach:
    if entry.kind == "facts":
        return replace(breach, facts={**breach.facts, **entry.details})
    if entry.kind == "tables":
        marked = [
            MarkedTable(row["table"], *(_date(row[name]) for name in ("first_on", "last_on")))
            for row in entry.details["tables"]
        ]
        tables = (*breach.tables, *(t for t in marked if t not in breach.tables))
        return replace(breach, tables=tables, markings=(*breach.markings, entry.entry_id))
    if entry.kind == "drafted":
        known = (*breach.drafted, *entry.details.get("markings", ()))
        return replace(breach, drafted=tuple(dict.fromkeys(known)))
    if entry.kind == "alarm":
        return replace(breach, alarms=(*breach.alarms, int(entry.details["hours"])))
    if entry.kind == "notified":
        first = {entry.details["whom"]: entry.recorded_at}
        return replace(breach, notified_at={**first, **(breach.notified_at or {})})
    if entry.kind == "closed":
        return replace(breach, closed_at=entry.recorded_at)
    return breach


def _append(
    conn: psycopg.Connection, breach_id: int, kind: str, entries: Sequence[Mapping[str, Any]], recorded_by: str,
    now: datetime,
) -> Breach:  # fmt: skip
    """Enter all of them in the caller's transaction, and end it."""
    if load(conn, breach_id).closed_at:
        raise ClosedBreachError(f"breach {breach_id} is closed; open another that refers to it")
    if not recorded_by.strip():
        raise BreachInputError("an entry needs somebody who makes it")
    for details in entries:
        conn.execute(
            "insert into privacy.breach_entries (breach_id, kind, details, recorded_by, recorded_at) "
            "values (%s, %s, %s, %s, %s)",
            (breach_id, kind, json.dumps(details), recorded_by, now),
        )
    breach = load(conn, breach_id)
    conn.commit()
    return breach


def _check_fact(name: str, value: object) -> None:
    if name not in (*TEXTS, *LISTS, *NUMBERS):
        raise InvalidFactError(f"there is no fact {name!r}; the facts are {', '.join((*TEXTS, *LISTS, *NUMBERS))}")
    if name in TEXTS and not (isinstance(value, str) and value.strip()):
        raise InvalidFactError(f"{name} needs words; leave it out while it is not known")
    if name in LISTS and not (
        isinstance(value, list) and value and all(isinstance(v, str) and v.strip() for v in value)
    ):
        raise InvalidFactError(f"{name} needs one or more names")
    if name in NUMBERS and not (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        raise InvalidFactError(f"{name} needs a whole number, 0 or more")


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
