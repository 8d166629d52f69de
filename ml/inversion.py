"""How much a model helps somebody to guess a value of a person's that they do not know, beside guessing without it.

Model inversion after Fredrikson et al. (CCS 2015, algorithm 1): who knows a person's other values and what became of
them tries each value and keeps the one under which the model says what happened. The imputer beside it never asks the
model: it learns from other people how values go together. What counts is what the model adds to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.intervals import Codes, Figure, Floats, encode, figure, subject_counts

N_COLUMNS = 3
N_BINS = 4
MOST_ROWS = 500  # of those guessed about, and of those learnt from
N_RESAMPLES = 200

Score = Callable[[pd.DataFrame], Floats]


@dataclass(frozen=True, slots=True)
class Inversion:
    """How often one of `n_values` ranges of a column is guessed rightly, of the column where the model adds most."""

    column: str
    by_model: float
    by_imputer: float
    gain: Figure
    n_values: int
    n_people: int


@dataclass(frozen=True, slots=True)
class _Rows:
    features: pd.DataFrame
    labels: NDArray[np.bool_]
    people: Codes


def inversion(
    score: Score, features: pd.DataFrame, labels: NDArray[np.bool_], subjects: NDArray[np.object_], *, seed: int = 0
) -> Inversion | None:
    """The attack on a model by those whose rows it learnt from: features (n, k), labels (n,), subjects (n,).

    score: P(positive) of rows. None where no column has two ranges to guess from.
    """
    victims, known = _halves(features, labels, subjects, np.random.default_rng(seed))
    found = [_attack(score, victims, known, name) for name in _strongest(score, victims, known)]
    return max((item for item in found if item), key=lambda item: item.gain.value, default=None)


def _halves(
    features: pd.DataFrame, labels: NDArray[np.bool_], subjects: NDArray[np.object_], draw: np.random.Generator
) -> tuple[_Rows, _Rows]:
    """Half of the people to guess about, and the other half to learn from."""
    codes, n_people = encode(subjects)
    side = draw.permutation(n_people) % 2
    order = draw.permutation(len(codes))
    parts = []
    for number in (0, 1):
        at = np.sort(order[side[codes[order]] == number][:MOST_ROWS])
        parts.append(_Rows(features.iloc[at].reset_index(drop=True), labels[at], codes[at]))
    return parts[0], parts[1]


def _strongest(score: Score, victims: _Rows, known: _Rows) -> list[str]:
    """The columns that move the score most between a low and a high value."""
    moved = {}
    for name in known.features.columns:
        low, high = known.features[name].quantile([0.1, 0.9])
        change = score(victims.features.assign(**{name: high})) - score(victims.features.assign(**{name: low}))
        moved[str(name)] = float(np.abs(change).mean())
    return sorted(moved, key=lambda name: (-moved[name], name))[:N_COLUMNS]


def _attack(score: Score, victims: _Rows, known: _Rows, column: str) -> Inversion | None:
    values = known.features[column].to_numpy(np.float64)
    there = np.isfinite(values)
    if not there.any():
        return None
    edges = np.unique(np.quantile(values[there], np.linspace(0, 1, N_BINS + 1)[1:-1]))
    ranges = np.searchsorted(edges, values[there], side="right")
    kinds = np.unique(ranges)
    if len(kinds) < 2:
        return None
    truth = np.searchsorted(edges, victims.features[column].to_numpy(np.float64), side="right")
    middles = [float(np.quantile(values[there][ranges == kind], 0.5, method="lower")) for kind in kinds]
    likely = _likelihood(score, victims, column, middles)
    prior = np.array([np.mean(ranges == kind) for kind in kinds])
    told = _imputed(victims, known, column, ranges, there)
    right = [kinds[np.argmax(guess, axis=1)] == truth for guess in (likely * prior, told, told * likely)]
    return Inversion(
        column, float(right[0].mean()), float(right[1].mean()), _gain(right[2], right[1], victims.people),
        len(kinds), len(np.unique(victims.people)),
    )  # fmt: skip


def _likelihood(score: Score, victims: _Rows, column: str, middles: list[float]) -> Floats:
    """What the model says of what happened under each value: (n, values)."""
    scores = np.column_stack([score(victims.features.assign(**{column: middle})) for middle in middles])
    return np.where(victims.labels[:, None], scores, 1 - scores)


def _imputed(victims: _Rows, known: _Rows, column: str, ranges: NDArray[np.int64], there: NDArray[np.bool_]) -> Floats:
    """P(range) by the other values and what happened, learnt from other people: (n, values)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def points(rows: _Rows) -> Floats:
        others = np.nan_to_num(rows.features.drop(columns=column).to_numpy(np.float64))
        return np.column_stack([np.arcsinh(others), rows.labels])

    imputer = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300, tol=1e-2))
    return np.asarray(imputer.fit(points(known)[there], ranges).predict_proba(points(victims)))


def _gain(with_model: NDArray[np.bool_], without: NDArray[np.bool_], people: Codes) -> Figure:
    """The share of rows that the model adds to those guessed rightly, with an interval over people."""
    codes = np.unique(people, return_inverse=True)[1].ravel()
    added = np.bincount(codes, with_model.astype(np.float64) - without)
    n_rows = np.bincount(codes).astype(np.float64)
    counts = subject_counts(len(n_rows), N_RESAMPLES)
    return figure(float(added.sum() / n_rows.sum()), (counts @ added) / (counts @ n_rows))
