"""When somebody comes back: hours from a session to the next, from the sessions up to it. No contents of sessions.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ml.intervals import Floats

LONGEST_HOURS = 28 * 24.0  # who stays away longer counts as this long, so that nobody's gap is still open
SEED = 20190521
OWN = "own_median"  # the baseline's column: the person's own median gap so far
FEATURES = (OWN, "last", "before_last", "mean_log", "n_sessions", "week", "four_weeks", "hour", "weekday")


class TooShortALogError(Exception):
    """No session has LONGEST_HOURS after it in the log, so that it is not known when anybody came back."""


def returns(people: NDArray[np.object_], started_at: NDArray[np.datetime64]) -> pd.DataFrame:
    """One row of FEATURES for each session (n,), with person, started_at and hours: until the next, or LONGEST_HOURS.

    Sessions in any order; only those that started LONGEST_HOURS before the last of all have a row, as of later ones it
    is not known. Features are of the session and those before it alone; NaN where there is none.
    Raises TooShortALogError.
    """
    rows = pd.DataFrame({"person": people.astype(str), "started_at": started_at}).sort_values(["person", "started_at"])
    rows = rows.reset_index(drop=True)
    by_person = rows.groupby("person")["started_at"]
    past = _capped(by_person.diff())
    made = rows.assign(hours=_capped(-by_person.diff(-1)).fillna(LONGEST_HOURS), last=past)
    gaps = made.groupby("person")["last"]
    made[OWN] = gaps.transform(lambda values: values.expanding().median())
    made["before_last"] = gaps.shift(1)
    made["mean_log"] = np.log1p(past).groupby(made["person"]).transform(lambda v: v.ewm(span=5).mean())
    made["n_sessions"] = made.groupby("person").cumcount() + 1.0
    made["week"], made["four_weeks"] = (_sessions_within(rows, days) for days in (7, 28))
    made["hour"] = rows["started_at"].dt.hour.astype(np.float64)
    made["weekday"] = rows["started_at"].dt.day_of_week.astype(np.float64)
    known = made["started_at"] <= rows["started_at"].max() - pd.Timedelta(hours=LONGEST_HOURS)
    if not known.any():
        raise TooShortALogError(f"the log holds less than {LONGEST_HOURS:g} hours; import a longer one")
    found: pd.DataFrame = made[known].reset_index(drop=True)
    return found


class MedianGap(BaseEstimator):  # type: ignore[misc]
    """The baseline: the person's own median gap so far, and everybody's for who has none."""

    def fit(self, rows: pd.DataFrame, hours: Floats) -> MedianGap:  # noqa: ARG002
        """Learn everybody's median of hours (n,)."""
        self.median_ = float(np.median(hours))
        return self

    def predict(self, rows: pd.DataFrame) -> Floats:
        """Hours until the next session (n,)."""
        return rows[OWN].fillna(self.median_).to_numpy(np.float64)


class ReturnTime(BaseEstimator):  # type: ignore[misc]
    """Hours until the next session by gradient boosting on FEATURES, for the least mean absolute error."""

    def __init__(self, iterations: int = 200, leaves: int = 15, rate: float = 0.05) -> None:
        self.iterations = iterations
        self.leaves = leaves
        self.rate = rate

    def fit(self, rows: pd.DataFrame, hours: Floats) -> ReturnTime:
        """Learn hours (n,) from rows of returns."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        settings: dict[str, Any] = {"min_samples_leaf": 100, "early_stopping": False, "random_state": SEED}
        self.boosting_ = HistGradientBoostingRegressor(
            loss="absolute_error", learning_rate=self.rate, max_iter=self.iterations, max_leaf_nodes=self.leaves,
            **settings,
        )  # fmt: skip
        with threadpool_limits(1):  # as in ml/churn.py
            self.boosting_.fit(rows[list(FEATURES)].to_numpy(np.float64), hours)
        return self

    def predict(self, rows: pd.DataFrame) -> Floats:
        """Hours until the next session (n,), between 0 and LONGEST_HOURS."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            made = self.boosting_.predict(rows[list(FEATURES)].to_numpy(np.float64))
        return np.asarray(np.clip(made, 0, LONGEST_HOURS))


def _capped(gaps: pd.Series[Any]) -> pd.Series[Any]:
    hours: pd.Series[Any] = gaps.dt.total_seconds() / 3600
    return hours.clip(upper=LONGEST_HOURS)


def _sessions_within(rows: pd.DataFrame, days: int) -> Floats:
    """How many of the person's sessions started in the days up to each session, itself among them (n,)."""
    ids = rows["person"].astype("category").cat.codes.to_numpy(np.int64)
    moments = rows["started_at"].to_numpy("datetime64[s]").astype(np.int64)
    span = int(moments.max() - moments.min()) + days * 86_400 + 2
    keys = ids * span + (moments - moments.min() + days * 86_400)  # people lie apart by more than any window
    first = np.searchsorted(keys, keys - days * 86_400, side="right")
    return np.asarray(np.arange(1, len(keys) + 1) - first, dtype=np.float64)
