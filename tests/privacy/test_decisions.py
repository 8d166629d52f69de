"""The consent rule per event against a brute-force oracle over random histories, withdrawals and late events."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.decisions import CARRIED, purposes_held
from tests.privacy import oracle
from tests.privacy.events import MOMENT, START, decisions

SUBJECTS = ("u1", "u2", "u3")
HOURS = st.integers(0, 8).map(lambda hours: START + timedelta(hours=hours))
LEDGER = st.lists(
    st.tuples(
        st.sampled_from(SUBJECTS),
        st.sampled_from((*CARRIED, "marketing")),
        st.sampled_from(("grant", "withdraw")),
        HOURS,
        HOURS,
    ),
    max_size=25,
)
EVENTS = st.lists(st.tuples(st.sampled_from((*SUBJECTS, "stranger", None)), HOURS, HOURS), max_size=25)


def held(events: list[tuple[str | None, object, object]], ledger: list[oracle.Row]) -> list[set[str]]:
    subjects = pa.array([*SUBJECTS, "stranger"])
    codes = np.array([-1 if e[0] is None else subjects.to_pylist().index(e[0]) for e in events], dtype=np.int64)
    times = [pa.array([e[n] for e in events], MOMENT).cast(pa.int64()).to_numpy() for n in (1, 2)]
    bits = purposes_held(subjects, codes, times[0], times[1], decisions(ledger))
    return [{p for n, p in enumerate(CARRIED) if int(b) >> n & 1} for b in bits]


@settings(max_examples=300, deadline=None)
@given(events=EVENTS, ledger=LEDGER)
def test_purposes_equal_the_oracle(events: list[tuple[str | None, object, object]], ledger: list[oracle.Row]) -> None:
    expected = [oracle.purposes(s, created, received, ledger, CARRIED) for s, created, received in events]  # type: ignore[arg-type]
    assert held(events, ledger) == expected


def test_no_consent_means_no_purpose_and_nobody_s_events_have_all() -> None:
    assert held([("u1", START, START), (None, START, START)], []) == [set(), set(CARRIED)]


def test_consent_known_too_late_or_withdrawn_since_does_not_hold() -> None:
    later = START + timedelta(hours=1)
    event: list[tuple[str | None, object, object]] = [("u1", START, START)]
    assert held(event, [("u1", "analytics", "grant", START, START)]) == [{"analytics"}]
    assert held(event, [("u1", "analytics", "grant", START, later)]) == [set()]
    assert held(event, [("u1", "analytics", "grant", later, later)]) == [set()]
    gone = [("u1", "analytics", "grant", START, START), ("u1", "analytics", "withdraw", later, later)]
    assert held(event, gone) == [set()]
    again = [*gone, ("u1", "analytics", "grant", later, later)]
    assert held(event, again) == [{"analytics"}]
