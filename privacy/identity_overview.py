"""How the ledger of merges stands: counts by day and source, and what waits for a steward. No id leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from privacy.merging import conflicts


@dataclass(frozen=True, slots=True)
class IdentityOverview:
    """Counts only. n_people: people of several ids; n_waiting: statements for a steward, the newest at newest_at."""

    n_people: int
    per_source: Mapping[str, int]
    per_day: list[tuple[date, int]]
    n_waiting: int
    newest_at: datetime | None


def identity_overview(conn: psycopg.Connection) -> IdentityOverview:
    """Count the ledger of merges; days are UTC."""
    people = conn.execute(
        "select count(distinct person) from privacy.people_of("
        "(select coalesce(array_agg(user_id), '{}') from privacy.identity_merges where is_in_force))"
    ).fetchone() or (0,)
    sources = conn.execute(
        "select source, count(*) from privacy.identity_merges where is_in_force group by 1 order by 1"
    ).fetchall()
    days = conn.execute(
        "select (merged_at at time zone 'UTC')::date, count(*) from privacy.identity_merges where is_in_force "
        "group by 1 order by 1"
    ).fetchall()
    waiting = [stated_at for _, _, _, stated_at in conflicts(conn)]
    return IdentityOverview(
        int(people[0]), dict(sources), [(day, int(n)) for day, n in days], len(waiting), max(waiting, default=None)
    )
