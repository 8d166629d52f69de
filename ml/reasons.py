"""Why a model gives a row its score: the columns that move it most from an ordinary row's. It fits and stores nothing.

What a column does is the mean of taking it out of the row and of putting it alone into an ordinary one, which are the
two ends of its Shapley value (Strumbelj & Kononenko, JMLR 2010); for a model that adds its columns up it is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml import churn
from ml.intervals import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

N_REASONS = 3
LEAST_PART = 0.05  # of what moves a row: less is no reason
ROWS_AT_ONCE = 50_000


def reason_codes(fitted: Pipeline, rows: pd.DataFrame) -> list[list[str]]:
    """Up to N_REASONS codes for every row, strongest first: "+column" raises its score and "-column" lowers it.

    An ordinary row has the median of every column of `rows`. A row that nothing moves has none.
    """
    columns = [str(name) for name in fitted.feature_names_in_]
    points = rows[columns].to_numpy(np.float64)
    ordinary = pd.DataFrame(points).median().to_numpy(np.float64)
    found: list[list[str]] = []
    for start in range(0, len(points), ROWS_AT_ONCE):
        moved = contributions(fitted, points[start : start + ROWS_AT_ONCE], ordinary)
        found += [_codes(row, columns) for row in moved]
    return found


def contributions(fitted: Pipeline, points: Floats, ordinary: Floats) -> Floats:
    """How far each column moves each row from the ordinary one (k,), in log-odds: (n, k) for points (n, k)."""
    whole, usual = _log_odds(fitted, points), _log_odds(fitted, ordinary[None, :])
    moved = np.empty_like(points)
    for at in range(points.shape[1]):
        without, alone = points.copy(), np.repeat(ordinary[None, :], len(points), axis=0)
        without[:, at], alone[:, at] = ordinary[at], points[:, at]
        moved[:, at] = (whole - _log_odds(fitted, without) + _log_odds(fitted, alone) - usual) / 2
    return moved


def _log_odds(fitted: Pipeline, points: Floats) -> Floats:
    scores = churn.probabilities(fitted, pd.DataFrame(points, columns=fitted.feature_names_in_))
    least = np.finfo(np.float64).eps
    scores = scores.clip(least, 1 - least)
    return np.asarray(np.log(scores) - np.log1p(-scores))


def _codes(moved: Floats, columns: list[str]) -> list[str]:
    sizes = np.abs(moved)
    strongest = np.argsort(-sizes, kind="stable")[:N_REASONS]
    return [
        f"{'+' if moved[at] > 0 else '-'}{columns[at]}"
        for at in strongest
        if sizes[at] > 0 and sizes[at] >= LEAST_PART * sizes.sum()
    ]
