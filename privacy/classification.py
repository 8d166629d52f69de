"""The rules registry: load, confirm, reject, digest; every change is audited. The compiler is policy.py.

What waits for a ruling is in classification_items.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from privacy.classification_items import UnknownPath, list_unknown, raise_items, settle_items
from privacy.day_policies import keep_untouched
from privacy.policy import CompiledPolicy, Rule, digest_of, make_rule

__all__ = ["UnknownPath", "list_unknown", "raise_items"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One line of the audit: what a path was before (None: nothing), what it became, by whom, when and why."""

    action: str
    old_class: str | None
    old_kind: str | None
    new_class: str
    new_kind: str
    proposed_class: str | None
    proposed_kind: str | None
    confidence: float | None
    decided_by: str
    reason: str
    decided_at: datetime
    old_treatment: str | None
    new_treatment: str


def load_rules(conn: psycopg.Connection, rows: Iterable[Mapping[str, Any]], decided_at: datetime) -> int:
    """Upsert rules given as dicts (event_type, path, class, kind, steward, reason; treatment may be absent).

    Returns how many changed. Loading the same rows twice changes nothing; a change makes the event days pending that
    it can touch (day_policies.py). Every change is one row of the audit and settles the items that it rules on.
    Raises InvalidRuleError or AmbiguousRuleError and then changes nothing.
    """
    return _rule(conn, rows, decided_at, "loaded")


def _rule(conn: psycopg.Connection, rows: Iterable[Mapping[str, Any]], decided_at: datetime, action: str) -> int:
    values = []
    for row in rows:
        rule = make_rule(row["event_type"], row["path"], row["class"], row["kind"], row.get("treatment"))
        ruled = (rule.event_type, rule.path, rule.klass, rule.kind, rule.treatment)
        values.append((*ruled, row["steward"], row["reason"], decided_at))
    with conn.transaction():
        # One ruling at a time: the audit's "before" must be what this change found.
        conn.execute("lock table privacy.classification_rules in share row exclusive mode")
        before, policy = _in_force(conn), load_policy(conn)
        cursor = conn.cursor()
        cursor.executemany(
            "insert into privacy.classification_rules as old "
            "(event_type, path, class, kind, treatment, steward, reason, decided_at) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (event_type, path) do update set "
            "class = excluded.class, kind = excluded.kind, treatment = excluded.treatment, steward = excluded.steward, "
            "reason = excluded.reason, decided_at = excluded.decided_at "
            "where (old.class, old.kind, old.treatment, old.steward, old.reason) is distinct from "
            "(excluded.class, excluded.kind, excluded.treatment, excluded.steward, excluded.reason)",
            values,
        )
        changed = {place: ruled for place, ruled in _in_force(conn).items() if before.get(place) != ruled}
        _write_audit(conn, before, changed, action)
        settle_items(conn, [(*place, *ruled[3:]) for place, ruled in changed.items()], rejected=action == "rejected")
        keep_untouched(conn, policy, load_policy(conn))
    conn.commit()
    return len(changed)


_Ruled = tuple[str, str, str, str, str, datetime]  # class, kind, treatment, steward, reason, decided_at


def _in_force(conn: psycopg.Connection) -> dict[tuple[str, str], _Ruled]:
    rows = conn.execute(
        "select event_type, path, class, kind, treatment, steward, reason, decided_at from privacy.classification_rules"
    )
    return {(row[0], row[1]): (row[2], row[3], row[4], row[5], row[6], row[7]) for row in rows}


def _write_audit(
    conn: psycopg.Connection,
    before: Mapping[tuple[str, str], _Ruled],
    changed: Mapping[tuple[str, str], _Ruled],
    action: str,
) -> None:
    nothing = (None, None, None)
    conn.cursor().executemany(
        "insert into privacy.classification_audit (event_type, path, action, old_class, old_kind, old_treatment, "
        "new_class, new_kind, new_treatment, decided_by, reason, decided_at, "
        "proposed_class, proposed_kind, confidence) "
        "select %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, i.proposed_class, i.proposed_kind, i.confidence "
        "from (select 1) as ruling left join privacy.classification_items i on i.event_type = %s and i.path = %s",
        [
            (*place, action, *(before[place][:3] if place in before else nothing), *ruled, *place)
            for place, ruled in changed.items()
        ],
    )


def audit(conn: psycopg.Connection, event_type: str, path: str) -> list[Ruling]:
    """Every ruling on a path since the audit began, the oldest first."""
    query = (
        "select action, old_class, old_kind, new_class, new_kind, proposed_class, proposed_kind, confidence, "
        "decided_by, reason, decided_at, old_treatment, new_treatment "
        "from privacy.classification_audit where event_type = %s and path = %s order by audit_id"
    )
    with conn.cursor(row_factory=class_row(Ruling)) as cursor:
        return cursor.execute(query, (event_type, path)).fetchall()


def rules(conn: psycopg.Connection) -> list[Rule]:
    """Every rule in force."""
    rows = conn.execute("select event_type, path, class, kind, treatment from privacy.classification_rules")
    return [Rule(*row) for row in rows]


def load_policy(conn: psycopg.Connection) -> CompiledPolicy:
    """The rules compiled; raises AmbiguousRuleError when they contradict each other."""
    return CompiledPolicy.of(rules(conn))


def policy_digest(conn: psycopg.Connection) -> str:
    """What identifies the rules in force: it changes when any ruling about a value changes."""
    return digest_of(rules(conn))


def confirm(  # noqa: PLR0913, PLR0917 - the columns of one ruling
    conn: psycopg.Connection,
    event_type: str,
    path: str,
    klass: str,
    kind: str,
    steward: str,
    reason: str,
    *,
    decided_at: datetime,
    treatment: str | None = None,
) -> bool:
    """Rule on a path; False when it was ruled so already. The days that it can touch become pending.

    treatment: None for the class's own; see policy.make_rule.
    """
    row = {"event_type": event_type, "path": path, "class": klass, "kind": kind, "treatment": treatment}
    return _rule(conn, [row | {"steward": steward, "reason": reason}], decided_at, "confirmed") > 0


def reject(
    conn: psycopg.Connection, event_type: str, path: str, steward: str, reason: str, *, decided_at: datetime
) -> bool:
    """Rule that a path never passes: it is sensitive, dropped and no longer listed as unknown."""
    row = {"event_type": event_type, "path": path, "class": "sensitive", "kind": "text"}
    return _rule(conn, [row | {"steward": steward, "reason": reason}], decided_at, "rejected") > 0
