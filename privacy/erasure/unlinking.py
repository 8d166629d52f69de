"""Anonymise instead of erase: an erasure that leaves a person's events as statistics which lead to nobody.

Only the one table that every figure is computed from is unlinked; all else goes as in an erasure, and dbt makes its
figures again from the unlinked rows. It decides nothing and proves nothing: erasure.py counts, searches and signs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from privacy.erasure.targets import Key, Rule, Target
from privacy.pseudonyms import UNLINKED_MARK

if TYPE_CHECKING:
    import psycopg

    from privacy.erasure.stores import Stores

EVENTS = "safe.pseudonymous_events"
K = 5  # people a company must have besides the person, or its name is theirs
UNLINKED = Target(
    EVENTS,
    "subject",
    Key.TOKEN,
    Rule.UNLINK,
    own_predicate="(subject = any(%(tokens)s) or (subject = any(%(unlinked)s) and (persona is not null "
    f"or not starts_with(event_id, '{UNLINKED_MARK}') or not starts_with(session, '{UNLINKED_MARK}') "
    "or occurred_at <> date_trunc('hour', occurred_at, 'UTC') "
    "or received_at <> date_trunc('day', received_at, 'UTC'))))",
)
# What a rule lets pass as it is names nobody; a key with any other rule goes whole. A path with an escape goes too.
_UNLINK = f"""
with old as (
  select ctid as place, event_type as kind, session as visit, company as employer, data as content
  from {EVENTS} where {UNLINKED.predicate}
),
passing as (
  select event_type, split_part(path, '/', 2) as root, split_part(path, '/', 3) as key,
    bool_and(class = 'non_personal' and treatment = 'pass') as is_kept
  from privacy.classification_rules group by 1, 2, 3
),
allowed as (
  select kinds.kind, root, key from (select distinct kind from old) as kinds
  join passing on passing.event_type in (kinds.kind, '*') group by 1, 2, 3 having bool_and(is_kept)
),
visits as materialized (
  select visit, '{UNLINKED_MARK}' || replace(gen_random_uuid()::text, '-', '') as fresh
  from (select distinct visit from old where visit is not null) as v
),
crowds as materialized (
  select company from {EVENTS} where company in (select employer from old) and subject <> all(%(tokens)s)
  group by 1 having count(distinct subject) >= {K}
),
reduced as (
  select old.place, visits.fresh, crowds.company as crowd,
    coalesce((select jsonb_object_agg(d.key, d.value) from jsonb_each(old.content) d
      join allowed a on a.kind = old.kind and a.root = 'data' and a.key = d.key), '{{}}')
    || coalesce((select jsonb_object_agg(root, members) from (
      select '_' || a.root as root, jsonb_object_agg(d.key, d.value) as members
      from (values ('metadata'), ('client_info')) as r (root)
      cross join lateral jsonb_each(coalesce(old.content -> ('_' || r.root), '{{}}')) d
      join allowed a on a.kind = old.kind and a.root = r.root and a.key = d.key group by 1
    ) as nested), '{{}}') as kept
  from old left join visits using (visit) left join crowds on crowds.company = old.employer
)
update {EVENTS} as e set
  event_id = '{UNLINKED_MARK}' || replace(gen_random_uuid()::text, '-', ''), subject = (%(unlinked)s)[1],
  persona = null, session = reduced.fresh, company = reduced.crowd, data = reduced.kept,
  occurred_at = date_trunc('hour', e.occurred_at, 'UTC'),
  received_at = case when starts_with(e.event_id, '{UNLINKED_MARK}') then date_trunc('day', e.received_at, 'UTC')
    else date_trunc('day', e.received_at, 'UTC') + interval '1 day' end
from reduced where e.ctid = reduced.place returning e.event_day
"""


def unlinking(stores: Stores) -> Stores:
    """The same stores, with the person's events unlinked where an erasure deletes them."""
    return replace(stores, targets=tuple(UNLINKED if t.table == EVENTS else t for t in stores.targets))


def is_unlinking(stores: Stores) -> bool:
    """Whether an erasure of these stores leaves unlinked events."""
    return any(target.rule is Rule.UNLINK for target in stores.targets)


def fresh_token(random_bytes: Callable[[int], bytes]) -> str:
    """What the person's events are called from now on: drawn, so that no key and no salt leads there."""
    return f"u_{random_bytes(16).hex()}"


def unlink(conn: psycopg.Connection, parameters: Mapping[str, Any]) -> int:
    """Replace, in the caller's transaction, whatever ties the person's events to anybody; how many rows.

    Times become the hour, the receipt the end of its day; every day gets a new version, so that dbt builds it again.
    """
    days = [row[0] for row in conn.execute(_UNLINK.encode(), parameters)]
    conn.execute(
        "update safe.event_days set version = nextval('safe.event_day_version') where event_day = any(%s)",
        (sorted(set(days)),),
    )
    return len(days)
