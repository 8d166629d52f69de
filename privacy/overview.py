"""How consent stands over everybody, in counts: for reports and pictures. Nobody's own decisions are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import psycopg

from privacy.purposes import PURPOSES


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts over the ledger. standing: purpose -> people whose latest word is (yes, no); the rest said nothing.

    methods: method -> decisions; per_day: event day of the decision (UTC), grants, withdrawals, oldest first.
    """

    n_people: int
    standing: Mapping[str, tuple[int, int]]
    methods: Mapping[str, int]
    per_day: Sequence[tuple[date, int, int]]


def consent_overview(conn: psycopg.Connection) -> Overview:
    """Count the ledger once."""
    with conn.transaction():
        people = conn.execute("select count(distinct subject) from consent.consent_events").fetchone()
        standing = conn.execute(
            "select purpose, count(*) filter (where decision = 'grant'), count(*) filter (where decision = 'withdraw') "
            "from consent.consent_settings group by purpose"
        ).fetchall()
        methods = conn.execute(
            "select method, count(*) from consent.consent_events group by method order by method"
        ).fetchall()
        per_day = conn.execute(
            "select (decided_at at time zone 'UTC')::date as day, count(*) filter (where decision = 'grant'), "
            "count(*) filter (where decision = 'withdraw') from consent.consent_events group by day order by day"
        ).fetchall()
    counted = {str(purpose): (int(yes), int(no)) for purpose, yes, no in standing}
    return Overview(
        n_people=int(people[0]) if people else 0,
        standing={purpose: counted.get(purpose, (0, 0)) for purpose in PURPOSES},
        methods={str(method): int(n) for method, n in methods},
        per_day=[(day, int(yes), int(no)) for day, yes, no in per_day],
    )
