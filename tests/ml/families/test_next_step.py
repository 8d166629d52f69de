"""Counts against counting by force, the mixture on planted habits, and what of few people is nowhere in it."""

from __future__ import annotations

import pickle
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from ml.families import behaviour, step_tables
from ml.families.next_step import MarkovChain, NextStep
from ml.families.result import FamilyPolicy, decide_family
from ml.families.step_language import UnknownStepsError

K = 2
STEPS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=6)


def counted_by_force(
    sequences: list[list[str]], people: list[str], names: list[str], order: int
) -> tuple[dict[tuple[str, ...], dict[str, int]], dict[tuple[str, ...], int]]:
    """Of each context of `order` known steps: how often k people's steps came, and how often any other did."""
    times, owners = Counter[tuple[tuple[str, ...], str]](), defaultdict[Any, set[str]](set)
    for steps, person in zip(sequences, people, strict=True):
        for at in range(order, len(steps)):
            pair = tuple(steps[at - order : at]), steps[at]
            times[pair] += 1
            owners[pair].add(person)
    kept, left = defaultdict[tuple[str, ...], dict[str, int]](dict), Counter[tuple[str, ...]]()
    left_by = defaultdict[tuple[str, ...], set[str]](set)
    for (context, step), n in times.items():
        if len(owners[context, step]) >= K and step in names:
            kept[context][step] = n
        else:
            left[context] += n
            left_by[context] |= owners[context, step]
    return dict(kept), {c: left[c] if len(left_by[c]) >= K else 0 for c in kept}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(STEPS, st.sampled_from("pqr")), min_size=3, max_size=12))
def test_tables_are_those_of_counting_by_force(owned: list[tuple[list[str], str]]) -> None:
    sequences, people = [steps for steps, _ in owned], [person for _, person in owned]
    names = step_tables.shared_steps(sequences, people, K)
    assert names == sorted(step for step in "abcd" if len({p for steps, p in owned if step in steps}) >= K)
    if not names:
        return
    log = step_tables.moments(sequences, names, 3, people)
    tables = step_tables.chain(log, len(names), 3, K)
    for order, table in enumerate(tables, start=1):
        expected, left = counted_by_force(sequences, people, names, order)
        assert len(table["keys"]) == len(expected)
        for context, after in expected.items():
            lags = step_tables.last_steps([list(context)], names, 3)
            row = int(step_tables.rows_by_order(tables, lags, len(names))[order - 1][0])
            part = slice(table["indptr"][row], table["indptr"][row + 1])
            found = {names[s]: int(n) for s, n in zip(table["steps"][part], table["times"][part], strict=True)}
            assert found == after
            assert table["left_over"][row] == left[context]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(STEPS, st.sampled_from("pqr")), min_size=1, max_size=10), st.integers(1, 3))
def test_what_comes_soon_and_what_ends_are_those_of_counting_by_force(
    owned: list[tuple[list[str], str]], reach: int
) -> None:
    sequences, people = [steps for steps, _ in owned], [person for _, person in owned]
    log = step_tables.moments(sequences, list("abcd"), reach, people)
    pairs, ended = defaultdict[tuple[str, str], list[str]](list), defaultdict[str, list[str]](list)
    for steps, person in owned:
        ended[steps[-1]].append(person)
        for at, step in enumerate(steps):
            for before in steps[max(0, at - reach) : at]:
                pairs[before, step].append(person)
    found = step_tables.matrix(table := step_tables.soon(log, 4, reach, K), 4).toarray()
    counted = {
        ("abcd"[table["keys"][row]], "abcd"[column]): int(found[row, column]) for row, column in np.argwhere(found)
    }
    assert counted == {pair: len(owners) for pair, owners in pairs.items() if len(set(owners)) >= K}
    expected = [len(ended[step]) if len(set(ended[step])) >= K else 0 for step in "abcd"]
    assert step_tables.ends(log, 4, K).tolist() == expected


def test_sessions_of_one_step_are_learned_from_too() -> None:
    fitted = NextStep().fit([["a"]] * 6 + [["b"]] * 5)
    assert dict(fitted.recommend(["a"])) == {"a": pytest.approx(7 / 13), "b": pytest.approx(6 / 13)}


def test_probabilities_are_those_of_absolute_discounting() -> None:
    model = NextStep(order=1, window=1, discount=0.5, k_people=1).fit([["a", "b"], ["a", "a"]])
    # Shares with one added to each: a 4, b 2 of 6. After a: a and b once each of two, half a count given away by each.
    expected = {"a": 0.25 + 0.5 * 4 / 6, "b": 0.25 + 0.5 * 2 / 6}
    found = dict(model.recommend(["x", "a"]))
    assert found == {step: pytest.approx(p) for step, p in expected.items()}
    assert np.exp(model.log_probabilities([["b"], []])) == pytest.approx(np.array([[4 / 6, 2 / 6]] * 2))


@pytest.fixture(scope="module")
def habits() -> behaviour.Sessions:
    """900 people: what follows `save` depends on whether they opened or made the file first; noise between."""
    chance, found = np.random.default_rng(0), list[list[str]]()
    for _ in range(900):
        begun = ["open", "make"][chance.integers(2)]
        noise = [f"look{chance.integers(4)}" for _ in range(chance.integers(0, 3))]
        found.append([begun, *noise, "save", "close" if begun == "open" else "share", "end"])
    return behaviour.Sessions(found, np.array([f"p{at}" for at in range(900)], dtype=object))


def test_the_mixture_finds_a_cause_that_a_chain_cannot_see(habits: behaviour.Sessions) -> None:
    first = np.arange(900) < 800
    train, test = habits.of(first), habits.of(~first)
    strong, chain = (m.fit(train.steps, people=train.people) for m in (NextStep(), MarkovChain()))
    asked = behaviour.questions(test.steps, test.people)
    ours, theirs = (behaviour.places_of(model, asked) for model in (strong, chain))
    found = behaviour.compared(ours, theirs, asked.units, ("mixture", "chain"), {}, "planted")
    assert all(verdict.passed for verdict in decide_family(found, FamilyPolicy(margin=0.02, floors={"hr_1": 0.5})))
    assert found.n_units == 100
    assert found.guards["hr_1 gain"].low > 0
    swapped = behaviour.compared(theirs, ours, asked.units, ("chain", "mixture"), {}, "planted")
    assert not decide_family(swapped, FamilyPolicy())[0].passed
    last = strong.predict([["open", "look1", "look2", "save"], ["make", "look3", "look1", "save"]])
    assert last == ["close", "share"]


def test_one_estimator_holds_every_learned_step_and_its_settings(habits: behaviour.Sessions) -> None:
    model = NextStep(order=2, window=3).fit(habits.steps, people=habits.people)
    told = model.log_probabilities([["open"], ["never seen"], []])
    assert np.exp(told).sum(axis=1) == pytest.approx(1)
    assert len(model.weights_) == len(model.part_names()) == 11
    again = clone(model).fit(habits.steps[::-1], people=habits.people[::-1])
    assert np.allclose(again.log_probabilities([["open"]]), told[:1])


def test_what_four_people_did_is_nowhere_in_it() -> None:
    usual = [["open", "save", "close"]] * 30
    people = [f"person-{at}" for at in range(30)]
    rare = [["open", "secret", "close"], ["close", "open"]] * 4
    owners = [person for person in people[:4] for _ in range(2)]
    sequences, owned = [*usual, *rare], [*people, *owners]
    fitted = NextStep().fit(sequences, people=owned)
    kept = pickle.dumps(fitted)
    assert b"secret" not in kept
    assert b"person-" not in kept
    assert b"secret" in pickle.dumps(NextStep(k_people=4).fit(sequences, people=owned))
    after_close = step_tables.find(fitted.chain_[0], np.array([fitted.names_.index("close")]))
    assert after_close.tolist() == [step_tables.UNKNOWN]  # four people opened again, and nobody else did
    with pytest.raises(UnknownStepsError, match="5 people"):
        NextStep().fit(sequences[:4])


def test_a_person_with_many_sessions_is_one_person() -> None:
    with pytest.raises(UnknownStepsError):
        NextStep().fit([["a", "b"]] * 50, people=["one"] * 50)


def rows_of(habits: behaviour.Sessions, first: date) -> pd.DataFrame:
    found = []
    for at, (steps, person) in enumerate(zip(habits.steps, habits.people, strict=True)):
        day = first + timedelta(days=at // 20)
        found += [(person, pd.Timestamp(day), day, day, no, step) for no, step in enumerate(steps, start=1)]
    columns = ["subject", "session_started_at", "started_on", "known_on", "step_no", "action"]
    return pd.DataFrame(found, columns=columns)


def test_next_actions_are_learned_from_the_feature_table_before_a_date_and_tested_after(
    habits: behaviour.Sessions,
) -> None:
    rows = rows_of(habits, date(2024, 1, 1))
    model, found = behaviour.learn_next_action(rows, date(2024, 2, 10))
    assert (found.family, found.n_units) == ("behaviour", 100)
    assert found.gain.low > 0
    assert set(model.names_) == {step for steps in habits.steps for step in steps}
    is_end = (rows["started_on"] >= date(2024, 2, 10)) & (rows["action"] == "end")
    later = rows.assign(action=rows["action"].mask(is_end, "later"))
    assert "later" not in behaviour.learn_next_action(later, date(2024, 2, 10))[0].names_
    with pytest.raises(behaviour.TooFewSessionsError, match="second step"):
        behaviour.learn_next_action(
            rows[(rows["step_no"] == 1) | (rows["started_on"] < date(2024, 2, 10))], date(2024, 2, 10)
        )
    with pytest.raises(behaviour.TooFewSessionsError):
        behaviour.learn_next_action(rows, date(2025, 1, 1))
