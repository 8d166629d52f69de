"""Pictures of a model for its record: ROC and PR, calibration, feature importance. PNG bytes, no values of rows."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml import churn
from ml.evaluation import Outcomes, calibration_curve, ranking
from ml.intervals import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MAX_IMPORTANCE_ROWS = 2000
SHOWN_FEATURES = 15


def curves(outcomes: Outcomes, scores: Floats) -> bytes:
    """ROC and precision-recall side by side, thinned to at most 200 points each."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    false, true, _ = roc_curve(outcomes.labels, scores)
    precision, recall, _ = precision_recall_curve(outcomes.labels, scores)
    figure, (left, right) = _figure(2)
    left.plot(*_thin(false, true))
    left.plot([0, 1], [0, 1], linestyle=":", color="grey")
    left.set(title="ROC", xlabel="false positive rate", ylabel="true positive rate")
    right.plot(*_thin(recall, precision))
    right.axhline(outcomes.labels.mean(), linestyle=":", color="grey")
    right.set(title="Precision and recall", xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    return _png(figure)


def calibration(outcomes: Outcomes, scores: Floats, *, share: str = "share that churned") -> bytes:
    """Stated probability against the share of what happened; the size of a point is its number of rows."""
    points = np.array(calibration_curve(outcomes, scores))
    figure, (axis,) = _figure(1)
    axis.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axis.plot(points[:, 0], points[:, 1])
    axis.scatter(points[:, 0], points[:, 1], s=10 + 190 * points[:, 2] / points[:, 2].max())
    axis.set(title="Calibration", xlabel="stated probability", ylabel=share, xlim=(0, 1), ylim=(0, 1))
    return _png(figure)


def importance(shares: list[tuple[str, float]]) -> bytes:
    """The features whose shuffling costs most AUC, largest on top."""
    shown = shares[:SHOWN_FEATURES][::-1]
    figure, (axis,) = _figure(1)
    axis.barh([name for name, _ in shown], [value for _, value in shown])
    axis.set(title="Feature importance", xlabel="AUC lost when shuffled")
    return _png(figure)


def bars(rows: Mapping[str, Mapping[str, float]], title: str) -> bytes:
    """Bars of several series beside each other: rows by name, each with the value of every series."""
    figure, (axis,) = _figure(1)
    names, series = list(rows), list(next(iter(rows.values())))
    for at, one in enumerate(series):
        axis.barh([y + at / (len(series) + 1) for y in range(len(names))], [rows[n][one] for n in names],
                  height=0.9 / (len(series) + 1), label=one)  # fmt: skip
    axis.set(title=title, yticks=range(len(names)), yticklabels=names)
    axis.invert_yaxis()
    axis.legend()
    return _png(figure)


def permutation_importance(
    fitted: Pipeline, features: pd.DataFrame, labels: NDArray[np.bool_], seed: int = 0
) -> list[tuple[str, float]]:
    """AUC lost per column when it is shuffled within a sample of rows (Breiman 2001), largest first."""
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(features))[:MAX_IMPORTANCE_ROWS])
    columns = [str(name) for name in fitted.feature_names_in_]
    sample = features.iloc[chosen][columns].reset_index(drop=True)
    outcomes = Outcomes(labels[chosen].astype(np.float64), np.zeros(len(chosen), dtype=np.int64), 1)
    full = _auc(outcomes, churn.probabilities(fitted, sample))
    lost = []
    for column in columns:
        order = random.permutation(len(sample))
        shuffled = sample.assign(**{column: sample[column].to_numpy()[order]})
        lost.append((column, full - _auc(outcomes, churn.probabilities(fitted, shuffled))))
    return sorted(lost, key=lambda item: (-item[1], item[0]))


def _auc(outcomes: Outcomes, scores: Floats) -> float:
    return float(np.nan_to_num(ranking(outcomes, scores, np.ones((1, 1)))[0][0], nan=0.5))


def _thin(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    keep = np.unique(np.linspace(0, len(x) - 1, 200).astype(int))
    return x[keep], y[keep]


def _figure(n_axes: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.0 + 5.0 * n_axes, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, n_axes, squeeze=False)[0]


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()
