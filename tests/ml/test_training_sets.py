"""Splits never leak, digests follow the rows and nothing else, and what is stored is blinded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import training_sets
from ml.training_sets import (
    TooLittleHistoryError,
    TrainingPolicy,
    UnusableValueError,
    build_training_set,
    fetch_frame,
    freeze,
    split,
)
from tests.ml import features_table, synthetic
from warehouse.database import Database

FRAME = synthetic.frame(60, 8)


def test_the_newest_quarter_of_cutoffs_is_the_test() -> None:
    parts = split(FRAME, TrainingPolicy())
    assert len(set(parts.test["cutoff_on"])) == 2
    assert max(parts.train["cutoff_on"]) + timedelta(days=28) <= min(parts.test["cutoff_on"])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(0, 7), st.integers(0, 7))
def test_no_label_window_of_training_reaches_into_the_test(horizon: int, first: int, second: int) -> None:
    days = sorted(set(FRAME["cutoff_on"]))
    policy = TrainingPolicy(horizon_days=horizon, train_before=days[first], test_from=days[second])
    try:
        parts = split(FRAME, policy)
    except TooLittleHistoryError:
        return
    assert max(parts.train["cutoff_on"]) + timedelta(days=horizon) <= min(parts.test["cutoff_on"])
    assert max(parts.train["cutoff_on"]) < days[first]
    assert len(parts.train) + len(parts.test) + parts.n_purged == len(FRAME)


def test_a_subject_is_in_one_fold_only() -> None:
    parts = split(FRAME, TrainingPolicy())
    assert pd.Series(parts.folds).groupby(parts.train["subject"]).nunique().max() == 1
    assert set(parts.folds) == {0, 1, 2}


def test_too_little_history_says_what_to_do() -> None:
    with pytest.raises(TooLittleHistoryError, match="import a longer history"):
        split(synthetic.frame(20, 1), TrainingPolicy())


def test_bots_alone_are_nothing_to_learn_from() -> None:
    with pytest.raises(TooLittleHistoryError, match="of bots"):
        synthetic.training_set(FRAME.assign(is_bot=True))


def test_shuffled_rows_make_the_same_set() -> None:
    shuffled = FRAME.sample(frac=1, random_state=1)
    assert synthetic.training_set(shuffled).digest == synthetic.training_set(FRAME).digest


@pytest.mark.parametrize("column", ["n_events_28d", "is_churned", "subject", "is_bot"])
def test_one_changed_value_changes_the_digest(column: str) -> None:
    changed = FRAME.copy()
    value = changed[column].iloc[-1]
    changed.loc[changed.index[-1], column] = (
        f"{value}x" if column == "subject" else value + 1 if column[0] == "n" else not value
    )
    assert synthetic.training_set(changed).digest != synthetic.training_set(FRAME).digest


def test_the_policy_is_part_of_the_digest_and_origin_is_in_the_manifest() -> None:
    other = freeze(FRAME, TrainingPolicy(exclude_bots=False), synthetic.provenance(code_version="2"))
    assert other.digest != synthetic.training_set(FRAME).digest
    assert other.manifest["code_version"] == "2"
    assert other.manifest["dbt_manifest_hash"] == "d" * 64


def test_weekly_thinning_must_be_whole_weeks() -> None:
    with pytest.raises(ValueError, match="multiple of 7"):
        TrainingPolicy(cutoff_every_days=10)


def test_blinding_needs_the_key() -> None:
    first, again, other = (training_sets.blind(["a"], key) for key in (b"1" * 32, b"1" * 32, b"2" * 32))
    assert first == again != other


@pytest.mark.integration
def test_rows_come_back_as_stored_and_thinned(database: Database) -> None:
    features_table.create(database, FRAME, weekly_noise=True)
    with database.connect("ml") as conn:
        found = fetch_frame(conn, TrainingPolicy())
    assert list(training_sets.feature_columns(found)) == list(training_sets.feature_columns(FRAME))
    expected = FRAME.sort_values(["cutoff_on", "subject"], ignore_index=True)[list(found.columns)]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


@pytest.mark.integration
def test_the_stored_set_is_blinded_and_stored_once(database: Database) -> None:
    features_table.create(database, FRAME)
    with database.connect("ml") as conn:
        first = build_training_set(conn, TrainingPolicy(), synthetic.provenance())
        again = build_training_set(conn, TrainingPolicy(), synthetic.provenance(blinding_key=b"9" * 32))
        assert first.digest == again.digest
        tokens = [bytes(t) for (t,) in conn.execute("select blinded_subject from ml.training_subjects").fetchall()]
    key = training_sets.set_key(bytes(range(32)), first.training_set_id)
    assert sorted(tokens) == sorted(training_sets.blind(sorted(set(FRAME["subject"])), key))
    assert key != training_sets.set_key(bytes(range(32)), "another set"), "one set tells nothing about another"


@pytest.mark.integration
def test_an_infinite_feature_is_refused_by_name(database: Database) -> None:
    features_table.create(database, FRAME.assign(noise_0=np.inf))
    with database.connect("ml") as conn, pytest.raises(UnusableValueError, match="noise_0"):
        fetch_frame(conn, TrainingPolicy())


@pytest.mark.integration
def test_without_features_the_message_names_dbt(database: Database) -> None:
    with database.connect("ml") as conn, pytest.raises(training_sets.MissingFeaturesError, match="dbt build"):
        fetch_frame(conn, TrainingPolicy())


def test_bots_are_counted_and_kept_marked() -> None:
    made = synthetic.training_set(FRAME)
    assert made.manifest["n_bot_rows"]["train"] == int(made.split.train["is_bot"].sum()) > 0


def test_dates_of_the_policy_are_respected() -> None:
    policy = TrainingPolicy(train_before=date(2023, 4, 1), test_from=date(2023, 6, 1))
    made = freeze(FRAME, policy, synthetic.provenance())
    assert max(made.manifest["cutoffs"]["train"]) < "2023-04-01"
    assert min(made.manifest["cutoffs"]["test"]) >= "2023-06-01"
    assert replace(policy, exclude_bots=False) != policy
