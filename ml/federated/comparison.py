"""A federated model beside one of all rows together and those that silos train alone, on the same later rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml import churn
from ml.evaluation import Outcomes, auc_difference, ranking
from ml.federated.local import Rows
from ml.federated.model import Floats, LinearModel
from ml.federated.training import Plan, local_only
from ml.intervals import Figure, figure, subject_counts
from ml.measurement import LaterRows, learning_rows
from ml.training_sets import TrainingSet

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

LOGISTIC = "logistic regression"
N_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Comparison:
    """AUC on later rows of everybody; loss: federated minus central, with an interval over people.

    central_same_rows: of a central model that learns from the silos' rows only, where some rows are in no silo.
    local_only: mean over the silos' own models on the same rows. own_rows, own_rows_local: mean AUC within each silo's
    own later rows, of the federated model and of the silo's own.
    """

    federated: Figure
    central: Figure
    loss: Figure
    central_same_rows: float
    local_only: float
    own_rows: float
    own_rows_local: float


def compare(
    training_set: TrainingSet, model: LinearModel, silos: Mapping[int, Rows], later: LaterRows, own: Mapping[int, Mask]
) -> Comparison:
    """Measure all three. own: which later rows are a silo's, by number."""
    features, labels, _, _ = learning_rows(training_set)
    central = churn.probabilities(churn.fit(LOGISTIC, features, labels), later.features)
    values = later.features[list(model.columns)].to_numpy(np.float64)
    federated = model.probabilities(values)
    alone = {n: local_only(rows, Plan(model.columns)).probabilities(values) for n, rows in silos.items()}
    return Comparison(
        auc(later.outcomes, federated),
        auc(later.outcomes, central),
        auc_difference(later.outcomes, federated, central, n_resamples=N_RESAMPLES),
        plain_auc(later, churn.probabilities(pooled(model.columns, silos), later.features)),
        float(np.mean([plain_auc(later, scores) for scores in alone.values()])),
        _within(later, dict.fromkeys(silos, federated), own),
        _within(later, alone, own),
    )


def pooled(columns: tuple[str, ...], silos: Mapping[int, Rows]) -> Pipeline:
    """The churn ladder's logistic rung on the rows of all silos together."""
    features = pd.DataFrame(np.concatenate([rows.features for rows in silos.values()]), columns=list(columns))
    return churn.fit(LOGISTIC, features, np.concatenate([rows.labels for rows in silos.values()]) == 1)


def auc(outcomes: Outcomes, scores: Floats) -> Figure:
    """AUC with an interval over people."""
    counts = subject_counts(outcomes.n_subjects, N_RESAMPLES)
    point = ranking(outcomes, scores, np.ones((1, outcomes.n_subjects)))[0][0]
    return figure(float(point), ranking(outcomes, scores, counts)[0])


def plain_auc(later: LaterRows, scores: Floats, mask: Mask | None = None) -> float:
    """AUC of rows, all or those of a mask; NaN where only one thing happened."""
    rows = np.ones(len(scores), dtype=np.bool_) if mask is None else mask
    labels = later.labels[rows].astype(np.float64)
    once = Outcomes(labels, np.zeros(len(labels), dtype=np.int64), 1)
    return float(ranking(once, scores[rows], np.ones((1, 1)))[0][0]) if len(labels) else float("nan")


def _within(later: LaterRows, scores: Mapping[int, Floats], own: Mapping[int, Mask]) -> float:
    found = np.array([plain_auc(later, scores[n], own[n]) for n in scores])
    defined = found[np.isfinite(found)]
    return float(defined.mean()) if len(defined) else float("nan")


Mask = NDArray[np.bool_]
