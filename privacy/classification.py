"""The rules registry and what no rule names: load, digest, list with a proposal, confirm. The compiler is policy.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from privacy.policy import CompiledPolicy, Rule, digest_of, make_rule
from privacy.proposals import Proposal, propose, sample


def load_rules(conn: psycopg.Connection, rows: Iterable[Mapping[str, Any]], decided_at: datetime) -> int:
    """Upsert rules given as dicts (event_type, path, class, kind, steward, reason; treatment may be absent).

    Returns how many changed. Loading the same rows twice changes nothing; a change alters the policy digest, which
    makes every event day pending. Raises InvalidRuleError or AmbiguousRuleError and then changes nothing.
    """
    values = []
    for row in rows:
        rule = make_rule(row["event_type"], row["path"], row["class"], row["kind"], row.get("treatment"))
        ruled = (rule.event_type, rule.path, rule.klass, rule.kind, rule.treatment)
        values.append((*ruled, row["steward"], row["reason"], decided_at))
    with conn.transaction():
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
        n_changed = cursor.rowcount
        load_policy(conn)
    conn.commit()
    return max(n_changed, 0)


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


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """A path that no rule names: on how many events and days it was found, and what a steward may want to rule."""

    event_type: str
    path: str
    n_events: int
    n_days: int
    proposal: Proposal


def list_unknown(conn: psycopg.Connection) -> list[UnknownPath]:
    """Every unknown path, the most frequent first, with a proposal. No value leaves this function."""
    rows = conn.execute(
        "select event_type, path, sum(n_events)::bigint, count(*) from privacy.unknown_paths "
        "group by 1, 2 order by 3 desc, 1, 2"
    ).fetchall()
    found = [UnknownPath(t, path, n, d, propose(path, sample(conn, t, path))) for t, path, n, d in rows]
    conn.commit()
    return found


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
) -> bool:
    """Rule on a path; False when it was ruled so already. The days that hold it become pending."""
    row = {"event_type": event_type, "path": path, "class": klass, "kind": kind, "steward": steward, "reason": reason}
    return load_rules(conn, [row], decided_at) > 0


def reject(
    conn: psycopg.Connection, event_type: str, path: str, steward: str, reason: str, *, decided_at: datetime
) -> bool:
    """Rule that a path never passes: it is sensitive, dropped and no longer listed as unknown."""
    return confirm(conn, event_type, path, "sensitive", "text", steward, reason, decided_at=decided_at)
