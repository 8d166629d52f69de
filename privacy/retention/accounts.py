"""When people were last seen, and whose account is over: silent for two years, or deleted by themselves. SQL only.

It erases nobody: what is over is put before the officer as a request (orchestration/privacy/retention_accounts.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import psycopg

from privacy.retention.holds import in_force

if TYPE_CHECKING:
    from privacy.retention.terms import Terms

# Only days that changed since the last look are read. The lock waits for imports that took a version and have not
# committed: their days must not be older than the mark that this look leaves.
SEE = """
insert into privacy.accounts as known (subject, last_seen_on, deleted_on, seen_version)
select
  l.user_id, least(max(l.event_day), %(today)s),
  case when max(l.created_at) filter (where l.action = any(%(ends)s))
    > coalesce(max(l.created_at) filter (where l.action = any(%(returns)s)), '-infinity')
    then (max(l.created_at) filter (where l.action = any(%(ends)s)) at time zone 'UTC')::date end,
  max(d.version)
from raw.event_days d join raw.system_logs l using (event_day)
where d.version > (select coalesce(max(seen_version), 0) from privacy.accounts) and l.user_id is not null
group by l.user_id
on conflict (subject) do update set
  last_seen_on = greatest(known.last_seen_on, excluded.last_seen_on),
  deleted_on = greatest(known.deleted_on, excluded.deleted_on),
  seen_version = excluded.seen_version
"""
# A decision is a sign of life too, and for people without an event the only one.
DECIDE = """
insert into privacy.accounts as known (subject, last_seen_on)
select subject, least(max((received_at at time zone 'UTC')::date), %(today)s) from consent.consent_events group by 1
on conflict (subject) do update set last_seen_on = excluded.last_seen_on
where known.last_seen_on < excluded.last_seen_on
"""
RETURNED = """
update privacy.accounts a set deleted_on = null
where deleted_on is not null and exists (
  select from raw.system_logs r
  where r.user_id = a.subject and r.action = any(%(returns)s) and r.event_day >= a.deleted_on and not exists (
    select from raw.system_logs e
    where e.user_id = a.subject and e.action = any(%(ends)s) and e.event_day >= a.deleted_on
      and e.created_at >= r.created_at
  )
)
"""
# A deleted account is not silent: it is over already. Of a person with several ids, the one they go by stands for all.
ALIVE = """and deleted_on is null
and not exists (select from privacy.identity_merges m where m.is_in_force and m.user_id = accounts.subject)
and not exists (
  select from privacy.identity_merges m
  cross join lateral privacy.ids_of(array[m.same_as_user_id]) i join privacy.accounts o on o.subject = i.user_id
  where m.is_in_force and m.same_as_user_id = accounts.subject and o.last_seen_on >= %s
) """
ENDS, RETURNS = ["account_deleted", "delete_account"], ["account_restored", "signup"]


class Ending(StrEnum):
    """Why an account is over; the value is the policy's name."""

    INACTIVE = "inactive_users"
    DELETED = "deleted_accounts"


@dataclass(frozen=True, slots=True)
class Ended:
    """A person whose account is over, by the day that counts."""

    subject: str = field(repr=False)
    ending: Ending
    since: date
    is_held: bool


def look(conn: psycopg.Connection, today: date) -> int:
    """Bring last-seen days up to date, before events go; returns how many people's row was written."""
    words = {"today": today, "ends": ENDS, "returns": RETURNS}
    conn.execute("lock table raw.event_days in share mode")
    n_seen = conn.execute(SEE, words).rowcount
    conn.execute(RETURNED, words)
    return n_seen + conn.execute(DECIDE, words).rowcount


def ended(conn: psycopg.Connection, terms: Terms, limit: int | None = None) -> list[Ended]:
    """Whose account is past its term; each is named again only after another term. The longest over first."""
    held = {hold.subject for hold in in_force(conn, terms.now)}
    found: list[Ended] = []
    for ending, column, condition in ((Ending.DELETED, "deleted_on", ""), (Ending.INACTIVE, "last_seen_on", ALIVE)):
        cutoff_on = terms.cutoff(ending)
        days = [cutoff_on] * (2 + condition.count("%s"))
        rows = conn.execute(
            f"select subject, {column} from privacy.accounts where {column} < %s {condition}"
            "and (proposed_on is null or proposed_on < %s) order by 2, 1 limit %s".encode(),
            (*days, limit),
        ).fetchall()
        found += [Ended(subject, ending, day, subject in held or None in held) for subject, day in rows]
    return found


def note_proposed(conn: psycopg.Connection, subject: str, now_on: date) -> None:
    """Remember that the person's end was put before the officer. In the caller's transaction."""
    conn.execute("update privacy.accounts set proposed_on = %s where subject = %s", (now_on, subject))
