"""Fraud and automation: how far a person's signs stand out, or how likely fraud is where labels exist, and why.

Takes rows of signs, as features.ftr_user_fraud_weekly has them, one a person. A score is a reason to look, no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ml.intervals import Floats

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

SEED = 20190521
ROWS_OF_A_TREE = (256, 4096)  # of more people more rows, or no tree meets what is rare among them
LEAST_LABELLED = 30  # people of each kind, before anything is learned from labels
REVIEWED = 0.02  # share of people that somebody can look at
LEAST_PART = 0.15  # of what lifts a score above an ordinary person's: less is no reason


class NoSignsError(Exception):
    """There are too few rows to say what is ordinary."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What a high value of a column is a sign of, and how it is said to somebody who decides."""

    kind: str
    says: str


# Columns of features.ftr_user_fraud_weekly. Its automation score is left out: it is a sum of four of these.
SIGNS: Mapping[str, Sign] = {
    "usage_spike_35d": Sign("unusual use", "far more events in the last week than in the weeks before"),
    "night_share_28d": Sign("automation", "a large share of events between midnight and four (UTC)"),
    "n_unusual_hours_7d": Sign("unusual use", "active at hours of the day never seen before"),
    "n_requests_28d": Sign("automation", "very many requests"),
    "rapid_request_share_28d": Sign("automation", "requests less than a second apart"),
    "repeated_request_share_28d": Sign("automation", "the same request again and again"),
    "request_regularity_28d": Sign("automation", "pauses between requests as even as a clock's"),
    "max_requests_per_minute_28d": Sign("automation", "many requests within one minute"),
    "n_networks_28d": Sign("sharing", "many networks"),
    "n_api_keys_28d": Sign("sharing", "many API keys"),
    "n_people_of_api_key_28d": Sign("sharing", "an API key that several people use"),
    "n_payment_method_changes_90d": Sign("payment", "the way to pay changed often"),
    "n_failed_payments_90d": Sign("payment", "payments that failed"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a score is high: the column (its code), the kind of sign, and the part of the rise that it explains."""

    code: str
    kind: str
    part: float
    says: str


class RiskScore(BaseEstimator):  # type: ignore[misc]
    """An isolation forest on signs of which more is worse; boosting on them and its score where labels are given.

    Isolation forest: Liu, Ting & Zhou, ICDM 2008; the score is theirs, 0 to 1, about 0.5 for an ordinary row. Values
    below the column's median count as the median: nobody is suspicious for doing little. reviewed: the share of rows
    that threshold_ lets through to a reader.
    """

    def __init__(self, n_trees: int = 200, reviewed: float = REVIEWED, seed: int = SEED) -> None:
        self.n_trees = n_trees
        self.reviewed = reviewed
        self.seed = seed

    def fit(self, signs: pd.DataFrame, labels: Floats | None = None) -> RiskScore:
        """Learn from signs (n, d), one row a person; labels (n,): 1 fraud, 0 none, NaN nobody knows.

        Labels are learned from if LEAST_LABELLED people of each kind have one; else has_learned_labels_ is False.
        Raises NoSignsError.
        """
        from sklearn.ensemble import IsolationForest
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        if len(signs) < LEAST_LABELLED:
            raise NoSignsError(f"{len(signs)} rows; {LEAST_LABELLED} people at least say what is ordinary")
        self.columns_ = [str(name) for name in signs.columns]
        raw = signs.to_numpy(np.float64, na_value=np.nan)
        known = np.where(np.isfinite(raw).any(axis=0), raw, 0.0)  # a column that holds nothing says nothing
        self.typical_ = np.arcsinh(np.nanmedian(known, axis=0))
        points = self._points(signs)
        n_rows = min(len(signs), int(np.clip(len(signs) // 100, *ROWS_OF_A_TREE)))
        with threadpool_limits(1):  # as in ml/churn.py
            self.forest_: IsolationForest = IsolationForest(
                n_estimators=self.n_trees, max_samples=n_rows, random_state=self.seed
            ).fit(points)
            self._learn(points, labels)
            self.threshold_ = float(np.quantile(self._scores(points), 1 - self.reviewed))
        return self

    def decision_function(self, signs: pd.DataFrame) -> Floats:
        """The risk of each row (n,), 0 to 1. KeyError where a column is missing."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return self._scores(self._points(signs))

    def predict(self, signs: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether each row (n,) is among those that somebody should look at."""
        return np.asarray(self.decision_function(signs) >= self.threshold_)

    def contributions(self, signs: pd.DataFrame) -> Floats:
        """By how much each sign lifts the risk of each row above an ordinary person's: (n, d).

        The mean of what is lost where the sign alone is made ordinary, and what is gained where it alone is not: the
        first and the last term of Shapley's average, so that two signs that say the same both count.
        """
        from threadpoolctl import threadpool_limits

        points = self._points(signs)
        with threadpool_limits(1):
            whole, ordinary = self._scores(points), float(self._scores(self.typical_[None, :])[0])
            columns = [self._lift(points, at, whole, ordinary) for at in range(points.shape[1])]
        return np.column_stack(columns) if columns else np.zeros((len(points), 0))

    def reasons(self, signs: pd.DataFrame, most: int = 3) -> list[tuple[Reason, ...]]:
        """The signs behind each row's risk (n,), strongest first; none where nothing lifts it. Values are not told."""
        return [self._reasons(row, most) for row in self.contributions(signs)]

    def _learn(self, points: Floats, labels: Floats | None) -> None:
        known = np.zeros(len(points), dtype=np.bool_) if labels is None else np.isfinite(labels)
        n_fraud = 0 if labels is None else int(np.nansum(labels))
        self.has_learned_labels_ = min(n_fraud, int(known.sum()) - n_fraud) >= LEAST_LABELLED
        self.boosting_: HistGradientBoostingClassifier | None = None
        if self.has_learned_labels_ and labels is not None:
            self.boosting_ = _boosting(self.seed).fit(self._beside(points)[known], labels[known].astype(np.int64))

    def _points(self, signs: pd.DataFrame) -> Floats:
        """Signs on a scale on which a count of thousands is near one of hundreds, never below typical."""
        raw = np.arcsinh(signs[self.columns_].to_numpy(np.float64, na_value=np.nan))
        return np.asarray(np.where(np.isfinite(raw), np.maximum(raw, self.typical_), self.typical_))

    def _beside(self, points: Floats) -> Floats:
        """The points and the forest's score of each."""
        return np.column_stack([points, self._strangeness(points)])

    def _strangeness(self, points: Floats) -> Floats:
        return np.asarray(-self.forest_.score_samples(points), dtype=np.float64)

    def _scores(self, points: Floats) -> Floats:
        if self.boosting_ is None:
            return self._strangeness(points)
        return np.asarray(self.boosting_.predict_proba(self._beside(points))[:, 1], dtype=np.float64)

    def _lift(self, points: Floats, at: int, whole: Floats, ordinary: float) -> Floats:
        without, alone = points.copy(), np.tile(self.typical_, (len(points), 1))
        without[:, at], alone[:, at] = self.typical_[at], points[:, at]
        return np.asarray((whole - self._scores(without) + self._scores(alone) - ordinary) / 2)

    def _reasons(self, lifts: Floats, most: int) -> tuple[Reason, ...]:
        parts = np.maximum(lifts, 0.0)
        parts = parts / parts.sum() if parts.sum() > 0 else parts
        order = np.argsort(-parts, kind="stable")[:most]
        return tuple(_reason(self.columns_[at], float(parts[at])) for at in order if parts[at] >= LEAST_PART)


def _reason(code: str, part: float) -> Reason:
    sign = SIGNS.get(code, Sign("other", f"{code} is high"))
    return Reason(code, sign.kind, part, sign.says)


def _boosting(seed: int) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=120, max_leaf_nodes=7, min_samples_leaf=10, l2_regularization=5.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
