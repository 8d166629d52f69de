"""How a training went: loss after each iteration, whether the learner finished, what each fold says. No verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.diagnosis import Fold, Later
from ml.evaluation import plain_auc
from ml.intervals import Floats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MOST_ROWS = 2_000  # of each side of a fold, for the curves; evenly spaced
MOST_POINTS = 60  # of a curve
CLIP = 1e-15

Labels = NDArray[np.bool_]


def fold_of(
    fitted: Pipeline,
    features: pd.DataFrame,
    labels: Labels,
    scores: Floats,
    inside: Labels,
    outside: Labels,
) -> Fold:
    """What a pipeline fitted on the rows inside says of those and of the rows outside; scores (n,) are of all rows."""
    held_out = labels[outside]
    return Fold(
        n_rows=len(held_out),
        n_positive=int(held_out.sum()),
        train_auc=plain_auc(labels[inside], scores[inside]),
        validation_auc=plain_auc(held_out, scores[outside]),
        validation_loss=log_loss(held_out, scores[outside]),
        rare_recall=rare_recall(held_out, scores[outside]),
        train_losses=losses(fitted, features, labels, inside),
        validation_losses=losses(fitted, features, labels, outside),
        finished=has_finished(fitted),
    )


def losses(fitted: Pipeline, features: pd.DataFrame, labels: Labels, rows: Labels) -> tuple[float, ...]:
    """Log loss on some of the rows after each of at most MOST_POINTS iterations; () for learners without stages.

    The first figure is that of the share of positive rows, from which every learner starts.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    learner = fitted[-1]
    if not hasattr(learner, "staged_predict_proba"):
        return ()
    chosen = evenly(np.flatnonzero(rows), MOST_ROWS)
    inputs = features.iloc[chosen][list(fitted.feature_names_in_)]
    wanted, target = set(evenly(np.arange(_n_stages(learner)), MOST_POINTS).tolist()), labels[chosen]
    with threadpool_limits(1):  # as for the fits, which run side by side
        stages = learner.staged_predict_proba(fitted[:-1].transform(inputs) if len(fitted) > 1 else inputs)
        found = [log_loss(target, table[:, 1]) for at, table in enumerate(stages) if at in wanted]
    return (log_loss(target, np.full(len(target), target.mean())), *found)


def has_finished(fitted: Pipeline) -> bool | None:
    """Whether a solver met its own criterion before its limit of iterations; None for learners that have none."""
    learner = fitted[-1]
    used, most = getattr(learner, "n_iter_", None), getattr(learner, "max_iter", None)
    if used is None or most is None or hasattr(learner, "staged_predict_proba"):
        return None
    return bool(np.max(used) < most)


def later_of(labels: Labels, scores: Floats, before: pd.DataFrame, after: pd.DataFrame) -> Later:
    """The figures of later rows: labels (m,), scores (m,), and features before (n, k) and after (m, k)."""
    loss, auc = log_loss(labels, scores), plain_auc(labels, scores)
    return Later(len(labels), int(labels.sum()), auc, loss, shifts(before, after))


def shifts(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, float]:
    """The Kolmogorov-Smirnov distance of each column before (n, k) from itself after (m, k), on some of the rows."""
    first, second = (table.iloc[evenly(np.arange(len(table)), MOST_ROWS)] for table in (before, after))
    return {name: _distance(first[name].to_numpy(float), second[name].to_numpy(float)) for name in before.columns}


def shared_people(subjects: NDArray[np.object_], folds: NDArray[np.int64]) -> int:
    """How many people have rows in more than one fold."""
    pairs = pd.DataFrame({"subject": subjects, "fold": folds}).drop_duplicates()
    return int((pairs.groupby("subject").size() > 1).sum())


def log_loss(labels: Labels, scores: Floats) -> float:
    """Mean log loss of probabilities, clipped at 1e-15; no number stays none, so that a loss that burst is seen."""
    likely = np.clip(np.where(labels, scores, 1 - scores), CLIP, 1.0)
    return float(-np.log(likely).mean())


def rare_recall(labels: Labels, scores: Floats) -> float:
    """The share of the rarer class that has its own class's probability above one half; 0 where there is none."""
    rare = labels.mean() <= 0.5
    of_rare = scores[labels == rare]
    return float(np.mean((of_rare > 0.5) == rare)) if len(of_rare) else 0.0


def evenly(positions: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the positions, evenly spaced, the last one among them."""
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).round().astype(np.int64)]


def _n_stages(learner: Any) -> int:
    return int(getattr(learner, "n_iter_", None) or getattr(learner, "n_estimators_", 0) or len(learner.estimators_))


def _distance(first: Floats, second: Floats) -> float:
    """Kolmogorov-Smirnov; missing values rank below all others."""
    first, second = (np.sort(np.nan_to_num(values, nan=-np.inf)) for values in (first, second))
    if not len(first) or not len(second):
        return 0.0
    points = np.concatenate([first, second])
    below = [np.searchsorted(values, points, side="right") / len(values) for values in (first, second)]
    return float(np.abs(below[0] - below[1]).max())
