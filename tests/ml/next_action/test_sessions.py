"""Sets of sessions: the split by time never leaks, digests follow the rows, and an old manifest gives its set again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.next_action import sessions
from ml.next_action.sessions import StepPolicy, build_step_set, newest_cutoff, policy_of
from ml.taint import members
from ml.training_sets import TooLittleHistoryError, blind, set_key
from tests.ml.next_action import habits
from tests.ml.synthetic import provenance
from warehouse.database import Database

ROWS = habits.rows(60)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 20))
def test_nothing_known_after_the_split_is_learned_from(test_days: int, late: int) -> None:
    """A session that began before the split and became known after it is on neither side."""
    rows = ROWS.assign(known_on=[day + timedelta(days=late) for day in ROWS["started_on"]])
    policy = replace(habits.POLICY, test_days=test_days, fewest_people=1, fewest_asked=1, exclude_bots=False)
    made = habits.step_set(rows, policy)
    split = date.fromisoformat(made.manifest["cutoffs"]["test_from"])
    assert all(at.date() + timedelta(days=late) < split for at in made.known["session_started_at"])
    assert all(at.date() >= split for at in made.later["session_started_at"])
    assert sum(made.manifest["n_rows"].values()) == len(rows)
    assert (policy.cutoff_on or split) - split <= timedelta(days=21)  # a quarter of the history


def test_bots_are_left_out_and_counted() -> None:
    made = habits.step_set(ROWS)
    assert made.manifest["n_rows"]["bots"] == 14
    assert "u_0059" not in set(made.known["subject"]) | set(made.later["subject"])


def test_shuffled_rows_make_the_same_set_and_a_changed_step_another() -> None:
    made = habits.step_set(ROWS)
    assert habits.step_set(ROWS.sample(frac=1, random_state=1)).digest == made.digest
    steps = ROWS["steps"].tolist()
    changed = ROWS.assign(steps=[*steps[:5], f"{steps[5]} > share > read", *steps[6:]])
    assert habits.step_set(changed).digest != made.digest
    assert habits.step_set(ROWS, replace(habits.POLICY, most_sessions=300)).digest != made.digest
    assert made.manifest["dbt_manifest_hash"] == "d" * 64


def test_a_step_that_is_repeated_at_once_counts_once() -> None:
    made = habits.step_set(
        ROWS.assign(steps="open > open > read > read > open"), replace(habits.POLICY, fewest_asked=1)
    )
    assert set(made.known["steps"]) == {("open", "read", "open")}


def test_whole_people_are_left_out_of_a_larger_log() -> None:
    kept = sessions.thinned(ROWS, 300)
    assert 300 - 14 <= len(kept) <= 300
    assert set(kept["subject"].value_counts()) == {14}
    assert set(sessions.thinned(ROWS.sample(frac=1, random_state=2), 300)["subject"]) == set(kept["subject"])


@pytest.mark.parametrize("rows", [ROWS[:0], ROWS[ROWS["subject"] < "u_0020"], ROWS.assign(steps="open")])
def test_too_few_sessions_say_what_to_do(rows: pd.DataFrame) -> None:
    with pytest.raises(TooLittleHistoryError, match="import"):
        habits.step_set(rows)


@pytest.mark.integration
def test_an_old_manifest_gives_its_set_again_until_somebody_is_erased(database: Database) -> None:
    with database.connect("ml") as conn, pytest.raises(TooLittleHistoryError, match="is not built"):
        build_step_set(conn, StepPolicy(), provenance())
    habits.store(database, ROWS)
    with database.connect("ml") as conn:
        assert newest_cutoff(conn) == habits.POLICY.cutoff_on
        first = build_step_set(conn, StepPolicy(), provenance())
        assert build_step_set(conn, StepPolicy(), provenance()).digest == first.digest
        stored = conn.execute("select manifest from ml.training_sets").fetchall()
        tokens = [bytes(token) for (token,) in conn.execute("select blinded_subject from ml.training_subjects")]
    assert [row[0] for row in stored] == [dict(first.manifest)]
    people = sorted(set(first.known["subject"]) | set(first.later["subject"]))
    assert len(people) == first.manifest["n_subjects"] == 59
    assert sorted(tokens) == sorted(blind(people, set_key(provenance().blinding_key, first.training_set_id)))
    week = ROWS.assign(
        session_started_at=ROWS["session_started_at"] + pd.Timedelta(days=habits.N_DAYS),
        started_on=[day + timedelta(days=habits.N_DAYS) for day in ROWS["started_on"]],
        known_on=[day + timedelta(days=habits.N_DAYS) for day in ROWS["known_on"]],
    )
    habits.store(database, week)
    with database.connect("ml") as conn:
        assert build_step_set(conn, policy_of(first.manifest), provenance()).digest == first.digest
        assert build_step_set(conn, StepPolicy(), provenance()).digest != first.digest
    with database.connect("dbt") as conn:
        conn.execute("delete from features.ftr_user_sequences where subject = 'u_0007'")
    with database.connect("ml") as conn:
        again = build_step_set(conn, policy_of(first.manifest), provenance())
        assert again.digest != first.digest
        found = members(conn, ["u_0007"], provenance().blinding_key)
    assert first.training_set_id in found
    assert again.training_set_id not in found


def test_asking_counts_every_step_but_the_first() -> None:
    made = habits.step_set(ROWS)
    assert made.manifest["n_asked"] == int(np.sum([len(steps) - 1 for steps in made.later["steps"]]))
