"""Learners, and how a training of one is watched: a task in, what ml.diagnosis is told out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml import churn, dynamics
from ml.diagnosis import Fold, TrainingFigures

Rows = NDArray[np.float64]
Learner = Callable[[int], Any]
N_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """Rows to learn from and later ones, whose rows they are, and the learner made from a seed.

    epochs: passes over the rows, where the learner is watched pass by pass instead of stage by stage.
    """

    features: Rows
    labels: NDArray[np.bool_]
    later_features: Rows
    later_labels: NDArray[np.bool_]
    people: NDArray[np.object_]
    learner: Learner
    epochs: int = 0


# Learners that suit the tasks below.


def logistic(seed: int) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=500, random_state=seed))


def boosting(seed: int) -> Any:
    return HistGradientBoostingClassifier(
        learning_rate=0.15, max_iter=30, max_leaf_nodes=6, min_samples_leaf=40, l2_regularization=5.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip


def stepwise(seed: int) -> Any:
    return GradientBoostingClassifier(
        n_estimators=25, learning_rate=0.2, max_depth=2, min_samples_leaf=20, subsample=0.7, random_state=seed
    )


def descent(seed: int) -> Any:
    return make_pipeline(
        StandardScaler(), SGDClassifier("log_loss", alpha=1e-3, learning_rate="constant", eta0=0.03, random_state=seed)
    )


def network(seed: int) -> Any:
    return make_pipeline(
        StandardScaler(), MLPClassifier((6,), alpha=1.0, learning_rate_init=0.02, batch_size=100, random_state=seed)
    )


HEALTHY: tuple[tuple[Learner, int], ...] = ((logistic, 0), (boosting, 0), (stepwise, 0), (descent, 20), (network, 10))


def watch(task: Task, seed: int) -> TrainingFigures:
    """Train in folds and on everything, as a training does, and note what ml.diagnosis asks for."""
    table, later = (pd.DataFrame(rows).add_prefix("f") for rows in (task.features, task.later_features))
    folds = (np.arange(len(table)) % N_FOLDS).astype(np.int64)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # of learners that do not converge or divide by nothing, on purpose
        seen = tuple(_fold(task, table, folds == fold, seed) for fold in range(N_FOLDS))
        after = None
        if len(later):
            fitted, _ = _fit(task, table, np.ones(len(table), dtype=np.bool_), seed, ())
            after = dynamics.later_of(task.later_labels, _scores(fitted, later), table, later)
    alone = churn.associations(table, task.labels)
    return TrainingFigures(seen, alone, dynamics.shared_people(task.people, folds), after)


def _fold(task: Task, table: pd.DataFrame, outside: NDArray[np.bool_], seed: int) -> Fold:
    inside = ~outside
    fitted, curves = _fit(task, table, inside, seed, (inside, outside))
    fold = dynamics.fold_of(fitted, table, task.labels, _scores(fitted, table), inside, outside)
    return replace(fold, train_losses=curves[0], validation_losses=curves[1], finished=None) if curves else fold


def _fit(
    task: Task, table: pd.DataFrame, inside: NDArray[np.bool_], seed: int, parts: Sequence[NDArray[np.bool_]]
) -> tuple[Pipeline, list[tuple[float, ...]]]:
    """The learner fitted on the rows inside, and its loss on each of the parts after each pass where it has passes."""
    made = clone(task.learner(seed))
    fitted = made if isinstance(made, Pipeline) else Pipeline([("classify", made)])
    if not task.epochs:
        return fitted.fit(table[inside], task.labels[inside]), []
    scaler, learner = fitted[0].fit(table), fitted[-1]
    values = scaler.transform(table)
    curves: list[list[float]] = [[] for _ in parts]
    for _ in range(task.epochs):
        learner.partial_fit(values[inside], task.labels[inside], classes=[False, True])
        for curve, part in zip(curves, parts, strict=True):
            scores = learner.predict_proba(values[part])[:, 1]
            curve.append(dynamics.log_loss(task.labels[part], scores))
    return fitted, [tuple(curve) for curve in curves]


def _scores(fitted: Pipeline, table: pd.DataFrame) -> Rows:
    return np.asarray(fitted.predict_proba(table)[:, 1], dtype=np.float64)
