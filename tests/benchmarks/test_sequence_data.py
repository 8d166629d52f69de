"""What the benchmark asks: visits in order of time, what was known before, and nothing of afterwards in it."""

from __future__ import annotations

import pandas as pd

from benchmarks.sequence_data import Visit, asked_between, learned_from, sessions, visits


def did() -> pd.DataFrame:
    rows = [
        ("p", "2020-01-01T10:00:00Z", "a"),
        ("p", "2020-01-01T10:20:00Z", "a"),
        ("q", "2020-01-01T10:30:00Z", "b"),
        ("p", "2020-01-01T11:00:00Z", "b"),
        ("p", "2021-05-01T10:00:00Z", "a"),
        ("p", "2021-06-01T10:00:00Z", "c"),
    ]
    return pd.DataFrame(rows, columns=["person", "at", "item"])


def test_visits_are_changes_of_item_and_sessions_end_with_a_gap() -> None:
    assert [visit.item for visit in visits(did())["p"]] == ["a", "b", "a", "c"]
    assert visits(did())["q"] == [Visit("2020-01-01T10:30:00Z", "b")]
    assert sessions(did()).groupby("person").size().to_dict() == {"p": 4, "q": 1}


def test_questions_are_of_their_time_and_what_is_learned_is_of_before() -> None:
    people = visits(did())
    known, owners = learned_from(people, "2021")
    assert (known, owners.tolist()) == ([["a", "b"], ["b"]], ["p", "q"])
    every = asked_between(people, "2021", "2022", only_new=False)
    assert (every.begun, every.wanted) == ([["a", "b"], ["a", "b", "a"]], ["a", "c"])
    new = asked_between(people, "2021", "2022", only_new=True)
    assert (new.begun, new.wanted, new.units.tolist()) == ([["a", "b", "a"]], ["c"], ["p"])
