"""The rules registry and what no rule names: load, digest, list with a proposal, confirm. The compiler is policy.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import psycopg

from privacy.policy import CompiledPolicy, Rule, digest_of, make_rule

COLUMNS = ("event_type", "path", "class", "kind", "treatment", "steward", "reason", "decided_at")


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
