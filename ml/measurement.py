"""A fitted model measured on later rows: in whole, by slice, with and without bots, beside recency alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml import churn
from ml.churn import Ladder
from ml.evaluation import Evaluation, Outcomes, auc_difference, evaluate
from ml.intervals import Figure, Floats
from ml.inversion import Inversion
from ml.membership import Membership
from ml.slices import Slice, evaluate_slices, slice_masks
from ml.training_sets import LABEL, TrainingSet

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

RECENCY_COLUMNS = ("recency_days", "days_since_last_event")


@dataclass(frozen=True, slots=True)
class LaterRows:
    """The rows every model of one decision is measured on: features, outcomes of humans, who was in training."""

    features: pd.DataFrame
    labels: NDArray[np.bool_]
    subjects: NDArray[np.object_]
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Learned:
    """What was measured on the rows to learn from, which a version that is taken again is not asked for again."""

    strongest_feature: tuple[str, float]
    membership: Membership | None
    inversion: Inversion | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """How a model does on later rows of humans, beside the baselines, with bots, and by slice."""

    evaluation: Evaluation
    with_bots: Evaluation
    trained_with_bots: Evaluation | None
    slices: tuple[Slice, ...]
    recency: Evaluation | None
    gain_over_recency: Figure | None
    strongest_feature: tuple[str, float]
    membership: Membership | None
    inversion: Inversion | None


def learning_rows(
    training_set: TrainingSet, *, with_bots: bool = False
) -> tuple[pd.DataFrame, NDArray[np.bool_], NDArray[np.object_], NDArray[np.int64]]:
    """Features (n, k), labels (n,), subjects (n,) and folds (n,) that models learn from; humans, unless asked."""
    train = training_set.split.train
    keep = np.ones(len(train), dtype=bool)
    if training_set.policy.exclude_bots and not with_bots:
        keep = ~train["is_bot"].to_numpy(np.bool_)
    rows = train[keep].reset_index(drop=True)
    labels = rows[LABEL].to_numpy(np.bool_)
    return rows[list(training_set.columns)], labels, rows["subject"].to_numpy(object), training_set.split.folds[keep]


def later_rows(training_set: TrainingSet, *, with_bots: bool = False) -> LaterRows:
    """The later rows, of humans unless asked otherwise."""
    test = training_set.split.test
    keep = np.ones(len(test), dtype=bool) if with_bots else ~test["is_bot"].to_numpy(np.bool_)
    rows = test[keep].reset_index(drop=True)
    labels, subjects = rows[LABEL].to_numpy(np.bool_), rows["subject"].to_numpy(object)
    return LaterRows(rows, labels, subjects, Outcomes.of(labels, subjects))


def measure(
    training_set: TrainingSet,
    ladder: Ladder,
    rows: LaterRows,
    scores: Floats,
    fitted: Pipeline,
    learned: Learned,
) -> Measurement:
    """Everything the report states about a fitted model on the test rows."""
    everyone = later_rows(training_set, with_bots=True)
    known = frozenset(training_set.split.train["subject"])
    recent = recency_scores(rows.features)
    recency = None if recent is None else evaluate(rows.outcomes, recent, threshold=0.5, n_resamples=200)
    gain = None if recent is None else auc_difference(rows.outcomes, scores, recent, n_resamples=200)
    with_bots = churn.probabilities(fitted, everyone.features)
    return Measurement(
        evaluation=evaluate(rows.outcomes, scores, threshold=ladder.threshold),
        with_bots=evaluate(everyone.outcomes, with_bots, threshold=ladder.threshold, n_resamples=200),
        trained_with_bots=_trained_with_bots(training_set, ladder, rows),
        slices=evaluate_slices(slice_masks(rows.features, known), rows.labels, rows.subjects, scores),
        recency=recency,
        gain_over_recency=gain,
        strongest_feature=learned.strongest_feature,
        membership=learned.membership,
        inversion=learned.inversion,
    )


def recency_scores(features: pd.DataFrame) -> Floats | None:
    """Days since the last event, squeezed into 0..1 so that longer absence ranks higher; None without such a column."""
    column = next((name for name in RECENCY_COLUMNS if name in features.columns), None)
    if column is None:
        return None
    days = np.nan_to_num(features[column].to_numpy(np.float64), nan=1e6)
    return np.asarray(days / (1.0 + days), dtype=np.float64)


def _trained_with_bots(training_set: TrainingSet, ladder: Ladder, rows: LaterRows) -> Evaluation | None:
    if not training_set.policy.exclude_bots or not training_set.split.train["is_bot"].any():
        return None
    features, labels, _, _ = learning_rows(training_set, with_bots=True)
    scores = churn.probabilities(churn.fit(ladder.chosen, features, labels), rows.features)
    return evaluate(rows.outcomes, scores, threshold=ladder.threshold, n_resamples=200)
