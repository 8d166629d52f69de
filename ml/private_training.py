"""Logistic regression whose weights tell little of anybody: each person's pull is bounded, and the sum gets noise.

Gradient descent with per-person clipping and Gaussian noise (Abadi et al., CCS 2016, without sampling: every round
sees everybody). What a column may at most be is policy by its unit, so nothing is learnt to scale it. Who draws the
noise, and what it costs, is the caller's business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.feature_sets import Feature
from ml.intervals import Floats, encode

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Noise = Callable[[Sequence[int]], list[int]]
UNIT = 1 << 20  # a gradient of length 1 in the whole numbers that noise is added to
OTHERS = frozenset({"subjects"})  # units of columns that count other people, whose pull would not be bounded
INTERCEPT = "(intercept)"
# unit: the largest value that counts as usual, as a constant and per day of the column's window.
LARGEST: Mapping[str, tuple[float, float]] = {
    "share": (1, 0), "0 or 1": (1, 0), "rating points": (5, 0), "ratio": (30, 0), "ln(1 + items)": (8, 0),
    "milliseconds": (10_000, 0), "days": (0, 1), "weeks": (0, 1), "28-day periods": (0, 1), "gaps": (0, 1),
}  # fmt: skip
OTHERWISE = (0, 10)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How often everybody is looked at and how far a step goes; chosen on simulated logs, never on those released."""

    n_rounds: int = 60
    step: float = 0.8
    momentum: float = 0.9
    shrinkage: float = 0.001

    @property
    def n_draws(self) -> int:
        """How often noise is drawn: for the number of people, then once a round."""
        return 1 + self.n_rounds


class NoUsableColumnError(Exception):
    """No column is left whose largest value is known and that counts nobody else."""


def usable(features: Sequence[Feature]) -> dict[str, float]:
    """The columns that a private model may use with the largest value of each. Raises NoUsableColumnError."""
    found = {
        feature.name: constant + per_day * feature.window_days
        for feature in features
        if feature.unit not in OTHERS
        for constant, per_day in [LARGEST.get(feature.unit, OTHERWISE)]
        if constant + per_day * feature.window_days > 0
    }
    if not found:
        raise NoUsableColumnError("no feature of the set is usable: their units count other people or have no bound")
    return dict(sorted(found.items()))


def sensitivity(n_columns: int) -> int:
    """The Euclidean length by which one person moves what noise is added to, rounding of each number included."""
    return UNIT + n_columns + 1


def private_weights(
    table: pd.DataFrame,
    labels: NDArray[np.bool_],
    people: NDArray[np.object_],
    *,
    largest: Mapping[str, float],
    noise: Noise,
    recipe: Recipe,
) -> dict[str, int]:
    """Weights in units of 1 / UNIT by column, and INTERCEPT: all that is learnt, out of noisy sums alone.

    table (n, k) has the columns of `largest`; labels, people (n,). `noise` is called recipe.n_draws times.
    """
    points = _points(table, largest)
    who, n_people = encode(people)
    order = np.argsort(who, kind="stable")
    points, truth = points[order], labels[order].astype(np.float64)
    starts = np.flatnonzero(np.diff(who[order], prepend=-1))
    share = 1 / np.sqrt(np.diff(starts, append=len(who)))[:, None]
    noisy_people = max(noise([n_people * UNIT])[0] / UNIT, 1.0)
    weights, speed, total = (np.zeros(points.shape[1]) for _ in range(3))
    for at in range(recipe.n_rounds):
        error = 1 / (1 + np.exp(-points @ weights)) - truth
        pulls = np.add.reduceat(points * error[:, None], starts) * share
        pulls *= np.minimum(1, 1 / np.maximum(np.linalg.norm(pulls, axis=1), 1e-12))[:, None]
        noisy = noise(np.rint(pulls * UNIT).astype(np.int64).sum(axis=0).tolist())
        speed = recipe.momentum * speed + np.array(noisy) / UNIT / noisy_people + recipe.shrinkage * weights
        weights = weights - recipe.step * speed
        total += weights if at >= recipe.n_rounds // 2 else 0.0
    mean = total / (recipe.n_rounds - recipe.n_rounds // 2)
    return {name: round(float(value) * UNIT) for name, value in zip([*largest, INTERCEPT], mean, strict=True)}


def private_pipeline(weights: Mapping[str, int], largest: Mapping[str, float]) -> Pipeline:
    """The released weights as the pipeline of a linear rung (ml/churn.py): it scores and exports like any other."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    ends = pd.DataFrame([dict.fromkeys(largest, 0.0), dict(largest)])
    made = Pipeline(
        [
            ("impute", SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)),
            ("log", FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")),
            ("scale", StandardScaler()),
            ("classify", LogisticRegression()),
        ]
    ).fit(ends, [False, True])
    scale, classify = made[-2], made[-1]
    scale.mean_, scale.scale_ = _middles(largest), 2 * _middles(largest)
    scale.var_ = scale.scale_**2
    learnt = np.array([weights[name] for name in [*largest, INTERCEPT]], dtype=np.float64) / UNIT
    classify.coef_, classify.intercept_ = learnt[None, :-1], learnt[-1:] / 2
    return made


def _points(table: pd.DataFrame, largest: Mapping[str, float]) -> Floats:
    """Columns on a logarithmic scale, in [-1/2, 1/2] up to their largest value, and one half for the intercept."""
    values = np.arcsinh(np.nan_to_num(table[list(largest)].to_numpy(np.float64)))
    middles = _middles(largest)
    return np.column_stack([(values - middles) / (2 * middles), np.full(len(table), 0.5)])


def _middles(largest: Mapping[str, float]) -> Floats:
    return np.array([math.asinh(value) / 2 for value in largest.values()])
