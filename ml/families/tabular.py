"""Two classes from columns of figures and labels: several kinds of model, mixed as far as inner validation bears out.

The ladder of churn (ml/churn.py) takes figures only and one rung; this takes what a table holds, labels too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from ml.families.mixed_columns import CurvedColumns, OrderedColumns
from ml.families.terms import K_PEOPLE, People
from ml.intervals import Floats, encode

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

SEED = 20190521
ROUNDS = 500
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "linear": {"C": 0.1, "max_iter": 1000},
    "flat boosting": {
        "learning_rate": 0.06, "max_iter": 200, "max_leaf_nodes": 4, "min_samples_leaf": 30,
        "l2_regularization": 5.0, "max_features": 0.2, "early_stopping": False,
    },
    "deep boosting": {
        "learning_rate": 0.03, "max_iter": 350, "max_leaf_nodes": 12, "min_samples_leaf": 20,
        "l2_regularization": 1.0, "max_features": 0.3, "early_stopping": False,
    },
    "forest": {"n_estimators": 150, "min_samples_leaf": 10, "max_features": 0.4},
}  # fmt: skip
MEMBERS = tuple(SETTINGS)


class OneClassError(Exception):
    """All rows are of one class, or one class has fewer rows than there are inner folds: there is nothing to learn."""


class TabularClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """P(positive) as the weighted mean of its members' probabilities.

    The weights are those of greatest likelihood on inner folds (stacking by convex weights: Breiman, Machine Learning
    24 (1996), 49-64), found by expectation maximisation of a mixture; the members are then fitted on all rows. A member
    of which the weight is below least_weight is left out. No leaf and no label rests on fewer than five rows.
    """

    def __init__(
        self,
        members: Sequence[str] = MEMBERS,
        n_folds: int = 4,
        least_weight: float = 0.02,
        k_people: int = K_PEOPLE,
        seed: int = SEED,
    ) -> None:
        self.members = members
        self.n_folds = n_folds
        self.least_weight = least_weight
        self.k_people = k_people
        self.seed = seed

    def fit(self, table: pd.DataFrame, classes: NDArray[np.bool_], people: People = None) -> TabularClassifier:
        """Learn from table (n, k) and classes (n,); people (n,) keeps one's rows in one inner fold. OneClassError."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        positive = np.asarray(classes, dtype=np.bool_)
        if min(positive.sum(), (~positive).sum()) < self.n_folds:
            raise OneClassError(f"{int(positive.sum())} of {len(positive)} rows are positive; wait for rows of both")
        who = np.asarray(people if people is not None else np.arange(len(table)), dtype=object)
        self.classes_ = np.array([False, True])
        self.feature_names_in_ = np.asarray(table.columns, dtype=object)
        with threadpool_limits(1):  # as in ml/churn.py
            held_out = self._held_out(table, positive, who)
            weights = likeliest_weights(np.where(positive[:, None], held_out, 1 - held_out))
            kept = np.flatnonzero(weights >= self.least_weight)
            self.weights_ = weights[kept] / weights[kept].sum()
            self.names_ = [self.members[int(at)] for at in kept]
            self.fitted_ = [self._fit(name, table, positive, who) for name in self.names_]
        return self

    def predict_proba(self, table: pd.DataFrame) -> Floats:
        """P(negative), P(positive): (n, 2). KeyError where a column is missing."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            positive = np.column_stack([_positive(member, table) for member in self.fitted_]) @ self.weights_
        return np.column_stack([1 - positive, positive])

    def predict(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """The likelier class (n,)."""
        return np.asarray(self.predict_proba(table)[:, 1] > 0.5)

    def _held_out(self, table: pd.DataFrame, positive: NDArray[np.bool_], who: NDArray[np.object_]) -> Floats:
        """Each member's probability of each row, from a fit that saw no row of its person: (n, members)."""
        found = np.zeros((len(table), len(self.members)))
        for inside, outside in inner_folds(positive, who, self.n_folds, self.seed):
            for at, name in enumerate(self.members):
                fitted = self._fit(name, table.iloc[inside], positive[inside], who[inside])
                found[outside, at] = _positive(fitted, table.iloc[outside])
        return found

    def _fit(self, name: str, table: pd.DataFrame, positive: NDArray[np.bool_], who: NDArray[np.object_]) -> Pipeline:
        return member(name, self.k_people, self.seed).fit(table, positive, features__people=who)


def member(name: str, k_people: int = K_PEOPLE, seed: int = SEED) -> Pipeline:
    """One unfitted member by its name in SETTINGS; takes the whole table."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    kinds: Mapping[str, Callable[..., Any]] = {"linear": LogisticRegression, "forest": RandomForestClassifier}
    classify = kinds.get(name, HistGradientBoostingClassifier)(random_state=seed, **SETTINGS[name])
    features = CurvedColumns(k_people=k_people) if name == "linear" else OrderedColumns(k_people)
    return Pipeline([("features", features), ("classify", classify)])


def inner_folds(
    positive: NDArray[np.bool_], who: NDArray[np.object_], n_folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Stratified folds as (inside, outside), with all rows of a person in one of them."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    codes, n_people = encode(who)
    if n_people == len(who):
        return list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(codes, positive))
    return list(StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(codes, positive, codes))


def likeliest_weights(probabilities: Floats) -> Floats:
    """Weights (m,), none below 0, sum 1, of greatest likelihood of what happened, given P(what happened) (n, m)."""
    sure = np.maximum(probabilities, 1e-12)
    weights = np.full(sure.shape[1], 1 / sure.shape[1])
    for _ in range(ROUNDS):
        parts = sure * weights
        weights = (parts / parts.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.asarray(weights)


def _positive(fitted: Pipeline, table: pd.DataFrame) -> Floats:
    return np.asarray(fitted.predict_proba(table)[:, 1], dtype=np.float64)
