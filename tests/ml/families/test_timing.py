"""When people come back: features of the past alone, counted by force, and planted rhythms that a median cannot see."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml.families.timing import FEATURES, LONGEST_HOURS, MedianGap, ReturnTime, TooShortALogError, returns

DAY = pd.Timedelta(days=1)


def log(n_people: int, n_sessions: int, seed: int) -> tuple[NDArray[np.object_], NDArray[np.datetime64]]:
    """People who come each day, and after three days in a row stay away for two weeks."""
    chance, people, moments = np.random.default_rng(seed), [], []
    for person in range(n_people):
        now = pd.Timestamp("2024-01-01") + pd.Timedelta(hours=int(chance.integers(24 * 14)))
        for at in range(n_sessions):
            people.append(f"p{person}")
            moments.append(now)
            now += (14 if at % 4 == 3 else 1) * DAY + pd.Timedelta(minutes=int(chance.integers(120)))
    return np.array(people, dtype=object), np.array(moments, dtype="datetime64[s]")


def test_features_are_those_of_counting_by_force_and_know_no_future() -> None:
    people, moments = log(5, 12, 0)
    rows = returns(people, moments)
    for row in rows.sample(15, random_state=0).to_dict("records"):
        own = sorted(moments[people == row["person"]])
        at = own.index(row["started_at"].to_datetime64().astype("datetime64[s]"))
        gaps = [min((b - a) / np.timedelta64(1, "h"), LONGEST_HOURS) for a, b in pairwise(own)]
        assert row["hours"] == pytest.approx(gaps[at])
        assert row["n_sessions"] == at + 1
        assert row["four_weeks"] == sum(own[at] - moment < np.timedelta64(28, "D") for moment in own[: at + 1])
        if at:
            assert row["last"] == pytest.approx(gaps[at - 1])
            assert row["own_median"] == pytest.approx(np.median(gaps[:at]))
    cut = np.sort(moments)[30]
    some = moments <= cut + np.timedelta64(int(LONGEST_HOURS), "h")
    earlier = returns(people[some], moments[some])
    both = rows.merge(earlier, on=["person", "started_at"], suffixes=("", "_then"))
    assert len(both) > 10
    for name in FEATURES:
        assert np.array_equal(both[name], both[f"{name}_then"], equal_nan=True)


def test_order_of_sessions_changes_nothing_and_a_short_log_is_refused() -> None:
    people, moments = log(4, 10, 1)
    mixed = np.random.default_rng(0).permutation(len(people))
    pd.testing.assert_frame_equal(returns(people, moments), returns(people[mixed], moments[mixed]))
    with pytest.raises(TooShortALogError):
        returns(people[:2], moments[:2])


def test_a_planted_rhythm_is_found_that_the_median_cannot_see() -> None:
    train, test = returns(*log(60, 24, 2)), returns(*log(20, 24, 3))
    baseline, model = (m.fit(train, train["hours"].to_numpy()) for m in (MedianGap(), ReturnTime(60)))
    errors = [np.abs(m.predict(test) - test["hours"].to_numpy()).mean() for m in (baseline, model)]
    assert errors[1] < 0.7 * errors[0]
    assert MedianGap().fit(train, np.full(len(train), 7.0)).predict(train[train["last"].isna()]).tolist() == [7.0] * 60
