"""Whether an exported model says what the model says: on given rows, or on rows drawn where the two could part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.embedded.scorer import score
from ml.intervals import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

LARGEST_DIFFERENCE = 1e-6
N_ROWS = 10_000
MISSING_SHARE = 0.05


class ScorersDisagreeError(Exception):
    """An exported model that says something else than the model it was made from; nothing was written."""


def scores(document: Mapping[str, Any], rows: pd.DataFrame) -> Floats:
    """The exported model's probability of each row, (n,)."""
    columns = document["columns"]
    table = rows[columns].to_numpy(np.float64)
    return np.array([score(document, dict(zip(columns, row, strict=True))) for row in table.tolist()])


def largest_difference(fitted: Pipeline, document: Mapping[str, Any], rows: pd.DataFrame) -> float:
    """The largest distance between the two probabilities of any row; 0 where there are no rows."""
    from ml import churn

    gaps = np.abs(scores(document, rows) - churn.probabilities(fitted, rows))
    return float(gaps.max(initial=0.0))


def require_agreement(fitted: Pipeline, document: Mapping[str, Any], rows: pd.DataFrame) -> float:
    """The largest difference. Raises ScorersDisagreeError where it is more than LARGEST_DIFFERENCE."""
    from ml import churn

    return require_equal(scores(document, rows), churn.probabilities(fitted, rows))


def require_equal(exported: Floats, model: Floats) -> float:
    """The largest difference of two scores of the same rows. Raises ScorersDisagreeError as require_agreement."""
    gap = float(np.abs(exported - model).max(initial=0.0))
    if not gap <= LARGEST_DIFFERENCE:
        raise ScorersDisagreeError(f"the exported model is off by up to {gap:.2g} on {len(model)} rows; report it")
    return gap


def probe_rows(document: Mapping[str, Any], n_rows: int, draw: np.random.Generator) -> pd.DataFrame:
    """Rows drawn from what the model learnt, not from anybody's: at its thresholds, beside them, and missing."""
    columns = {name: _probes(document, at, n_rows, draw) for at, name in enumerate(document["columns"])}
    return pd.DataFrame(columns)


def _probes(document: Mapping[str, Any], column: int, n_rows: int, draw: np.random.Generator) -> Floats:
    found = _usual(document, column, n_rows, draw)
    if len(edges := _thresholds(document, column)):
        at = draw.choice(edges, n_rows)
        beside = np.nextafter(at, draw.choice([-np.inf, np.inf], n_rows))
        found = np.where(draw.random(n_rows) < 0.5, at, beside)
    return np.where(draw.random(n_rows) < MISSING_SHARE, np.nan, found)


def _usual(document: Mapping[str, Any], column: int, n_rows: int, draw: np.random.Generator) -> Floats:
    """As far from the mean as values are: standard normal where no scale was learnt."""
    kinds = {step["kind"]: step for step in document["steps"]}
    scale = kinds.get("scale")
    values = draw.normal(size=n_rows)
    values = values if scale is None else scale["mean"][column] + 3 * scale["scale"][column] * values
    return np.sinh(values) if "asinh" in kinds else values


def _thresholds(document: Mapping[str, Any], column: int) -> Floats:
    trees = document["steps"][-1].get("trees", ())
    found = {t for tree in trees for f, t in zip(tree["feature"], tree["threshold"], strict=True) if f == column}
    return np.array(sorted(t for t in found if abs(t) < 1e300))
