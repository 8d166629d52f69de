"""Which rules each event day was transformed under, event type by event type: a ruling makes only its days pending.

A day holds what its types' rules made of it, so a day without an affected type is as it would be made again; and so is
a day whose events of the type hold nothing unknown, where rules are only added for paths that none named. What was
recorded before types were told apart (null) is compared with the whole policy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import psycopg

from privacy import labels
from privacy.policy import CompiledPolicy

if TYPE_CHECKING:
    import pyarrow as pa

OTHER = "*"  # event types without rules of their own
# Over safe.event_days; parameters: the digest of the whole policy, and twice the digests of its types as JSON.
CHANGED = """(
  safe.event_days.policy_digest is distinct from %s and (safe.event_days.type_digests is null or exists (
    select from jsonb_each_text(safe.event_days.type_digests) as known
    where known.value is distinct from coalesce(%s::jsonb ->> known.key, %s::jsonb ->> '*')
  ))
)"""


def type_digests(policy: CompiledPolicy) -> dict[str, str]:
    """Per event type with rules, and for all others ('*'), SHA-256 over what its values obey."""
    return {event_type: _digest(policy, event_type) for event_type in {*policy.by_type, OTHER}}


def changed(policy: CompiledPolicy) -> tuple[str, str, str]:
    """The parameters of CHANGED."""
    known = json.dumps(type_digests(policy), sort_keys=True)
    return policy.digest, known, known


def record(conn: psycopg.Connection, days: Sequence[date], batch: pa.Table, policy: CompiledPolicy) -> None:
    """Write down for transformed days which rules their event types obeyed. In the caller's transaction."""
    found = type_digests(policy)
    held: dict[date, dict[str, str]] = {day: {} for day in days}
    for day, event_type in types_of_days(batch):
        held[day][event_type] = found.get(event_type, found[OTHER])
    conn.execute(
        "update safe.event_days as d set type_digests = given.digests::jsonb "
        "from unnest(%s::date[], %s::text[]) as given (event_day, digests) where d.event_day = given.event_day",
        (list(held), [json.dumps(digests, sort_keys=True) for digests in held.values()]),
    )


def keep_untouched(conn: psycopg.Connection, before: CompiledPolicy, after: CompiledPolicy) -> None:
    """Count days as made under the rules of `after` that rules added since `before` cannot touch. No commit.

    Those are days whose census found nothing unknown in the type's events: an added rule names what was unknown.
    """
    was, now = type_digests(before), type_digests(after)
    types = conn.execute("select distinct jsonb_object_keys(type_digests) from safe.event_days").fetchall()
    for (event_type,) in types:
        old, new = was.get(event_type, was[OTHER]), now.get(event_type, now[OTHER])
        if old != new and _is_addition(_obeyed(before, event_type), _obeyed(after, event_type)):
            conn.execute(
                "update safe.event_days as d set type_digests = jsonb_set(type_digests, array[%(type)s], "
                "to_jsonb(%(new)s::text)) where type_digests ->> %(type)s = %(old)s and not exists (select "
                "from safe.exclusions as e where e.event_day = d.event_day and e.event_type = %(type)s "
                "and e.reason = 'unknown_path')",
                {"type": event_type, "old": old, "new": new},
            )


def types_of_days(batch: pa.Table) -> list[tuple[date, str]]:
    """Every (event day, event type) of a batch, kept or not, with the type as the transform reads it."""
    pairs = batch.select(["event_day", "event_type"]).group_by(["event_day", "event_type"]).aggregate([])
    cleaned, _ = labels.cleaned(pairs["event_type"], nullable=False)
    return list(zip(pairs["event_day"].to_pylist(), cleaned.to_pylist(), strict=True))


def _obeyed(policy: CompiledPolicy, event_type: str) -> list[tuple[str, ...]]:
    """What an event type obeys, in order: whether the type or '*' names a rule makes no difference."""
    rules = {rule.path: rule for rule in policy.by_type.get(OTHER, ())}
    rules |= {rule.path: rule for rule in policy.by_type.get(event_type, ())}
    return [(rule.path, rule.klass, rule.kind, rule.treatment) for rule in rules.values()]


def _is_addition(before: list[tuple[str, ...]], after: list[tuple[str, ...]]) -> bool:
    """Whether every rule that was obeyed still is, in the same order."""
    known = set(before)
    return [rule for rule in after if rule in known] == before


def _digest(policy: CompiledPolicy, event_type: str) -> str:
    content = ["lethe-type-1", policy.k, _obeyed(policy, event_type)]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
