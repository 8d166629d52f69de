"""As-of truth of the stored ledger: random histories with late decisions, corrections and events, against brute force.

A correction is a decision about an earlier moment that comes in later. test_decisions.py has the rule on frames alone.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.consent import Decision, as_of, decisions_for, get_consent, record_decisions
from privacy.decisions import CARRIED, purposes_held
from privacy.errors import InvalidDecisionError
from tests.privacy import oracle
from tests.privacy.events import MOMENT, START
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
HOUR = timedelta(hours=1)
BUILT_AT = START + 99 * HOUR
PURPOSES = ("analytics", "sharing")
HOURS = st.integers(0, 8)
LAGS = st.integers(0, 6)
ENTRY = st.tuples(st.sampled_from(PURPOSES), st.sampled_from(("grant", "withdraw")), HOURS, LAGS)
HISTORY = st.lists(ENTRY, max_size=9)
Events = list[tuple[int, int]]
EVENTS = st.lists(st.tuples(HOURS, LAGS), min_size=1, max_size=6)


def moments(hour: int, lag: int) -> tuple[datetime, datetime]:
    return START + hour * HOUR, START + (hour + lag) * HOUR


def rows_of(histories: list[list[tuple[str, str, int, int]]], prefix: str) -> list[oracle.Row]:
    return [
        (f"{prefix}{n}", purpose, decision, *moments(hour, lag))
        for n, history in enumerate(histories)
        for purpose, decision, hour, lag in history
    ]


def stored(conn: psycopg.Connection, ledger: list[oracle.Row]) -> list[oracle.Row]:
    """Record the ledger one decision at a time as they come in; what counts is the order in which they were stored."""
    unique = list({row[:4]: row for row in sorted(ledger, key=lambda row: row[4], reverse=True)}.values())
    unique.sort(key=lambda row: row[4])
    record_decisions(conn, [Decision(*row, "portal", "api") for row in unique])
    return unique


def in_sql(conn: psycopg.Connection, questions: list[tuple[str, str, datetime, datetime]]) -> list[str | None]:
    columns = [list(column) for column in zip(*questions, strict=True)]
    rows = conn.execute(
        "select consent.as_of(s, p, at, known) from unnest(%s::text[], %s::text[], %s::timestamptz[], "
        "%s::timestamptz[]) with ordinality as q (s, p, at, known, n) order by n",
        columns,
    )
    return [row[0] for row in rows]


def held(conn: psycopg.Connection, events: list[tuple[str, datetime, datetime]]) -> list[set[str]]:
    subjects = pa.array(sorted({event[0] for event in events}))
    codes = np.array([subjects.to_pylist().index(event[0]) for event in events], dtype=np.int64)
    created, received = (pa.array([e[n] for e in events], MOMENT).cast(pa.int64()).to_numpy() for n in (1, 2))
    bits = purposes_held(subjects, codes, created, received, decisions_for(conn, subjects.to_pylist()))
    return [{p for n, p in enumerate(CARRIED) if int(b) >> n & 1} for b in bits]


_examples = iter(range(10**9))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=st.lists(HISTORY, min_size=1, max_size=8), events=EVENTS)
def test_sql_and_set_based_rule_equal_brute_force(
    database: Database, histories: list[list[tuple[str, str, int, int]]], events: Events
) -> None:
    prefix = f"{next(_examples)}-"
    people = [f"{prefix}{n}" for n in range(len(histories))]
    with database.connect("privacy") as conn:
        ledger = stored(conn, rows_of(histories, prefix))
        questions = [(who, p, *moments(*event)) for who in people for p in PURPOSES for event in events]
        assert in_sql(conn, questions) == [oracle.in_force(ledger, *question) for question in questions]
        happened = [(who, *moments(*event)) for who in people for event in events]
        assert held(conn, happened) == [
            {p for p in PURPOSES if oracle.usable(ledger, who, p, (created, received), BUILT_AT)}
            for who, created, received in happened
        ]
        for who in people:
            now = {p: oracle.in_force(ledger, who, p, BUILT_AT, BUILT_AT) or "none" for p in PURPOSES}
            assert now.items() <= get_consent(conn, who).items()


def test_a_correction_changes_the_past_only_for_what_came_in_after_it(database: Database) -> None:
    """Withdrawn at 2 on paper, entered at 5: an event of 3 that came in at 4 was rightly taken, and is out at build."""
    grant = Decision("u1", "analytics", "grant", START, START, "portal", "accept")
    paper = Decision("u1", "analytics", "withdraw", *moments(2, 3), "office", "api", recorded_by="front desk")
    with database.connect("privacy") as conn:
        record_decisions(conn, [grant, paper])
        three = START + 3 * HOUR
        known = [as_of(conn, "u1", "analytics", three, START + n * HOUR) for n in (4, 5)]
        assert known == ["grant", "withdraw"]
        assert held(conn, [("u1", three, START + 4 * HOUR)]) == [set()]
        record_decisions(conn, [Decision("u1", "analytics", "grant", *moments(6, 0), "portal", "accept")])
        late = [("u1", three, START + 4 * HOUR), ("u1", three, START + 5 * HOUR), ("u1", START, START + 9 * HOUR)]
        assert held(conn, late) == [{"analytics"}, set(), {"analytics"}]


FAULTS = {
    "knows the future": ("and received_at <= known_at", ""),
    "the last to come in wins": ("order by decided_at desc", "order by received_at desc"),
    "before, not at": ("decided_at <= moment", "decided_at < moment"),
    "a tie goes to the first": ("consent_event_id desc", "consent_event_id asc"),
    "forgets the purpose": ("and purpose = wanted_purpose", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_the_function_is_found(database: Database, fault: str) -> None:
    rng = random.Random(11)  # noqa: S311 - histories, not secrets
    histories = [
        [
            (rng.choice(PURPOSES), rng.choice(("grant", "withdraw")), rng.randint(0, 8), rng.randint(0, 6))
            for _ in "9" * 9
        ]
        for _ in range(60)
    ]
    with database.connect("privacy") as conn:
        ledger = stored(conn, rows_of(histories, "x"))
        questions = [(f"x{n}", p, *moments(h, 2)) for n in range(len(histories)) for p in PURPOSES for h in range(9)]
        wanted = [oracle.in_force(ledger, *question) for question in questions]
        assert in_sql(conn, questions) == wanted
    with database.connect(ADMIN) as conn:
        source = conn.execute("select pg_get_functiondef('consent.as_of'::regproc)").fetchone()
        assert source is not None
        assert FAULTS[fault][0] in source[0]
        conn.execute(source[0].replace(*FAULTS[fault]).encode())
        assert in_sql(conn, questions) != wanted


def test_a_decision_from_the_future_is_refused_for_no_withdrawal_could_end_it(database: Database) -> None:
    ahead = Decision("u1", "analytics", "grant", START + HOUR, START, "portal", "accept")
    with database.connect("privacy") as conn:
        with pytest.raises(InvalidDecisionError, match="before it was made"):
            record_decisions(conn, [ahead])
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(
                "insert into consent.consent_events (subject, purpose, decision, decided_at, received_at, source, "
                "method, fingerprint) values ('u1', 'analytics', 'grant', %s, %s, 's', 'accept', 'x')",
                (ahead.decided_at, ahead.received_at),
            )
