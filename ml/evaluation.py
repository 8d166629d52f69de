"""Metrics of a churn probability with intervals over subjects, in whole and by slice. No fitting, no plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.intervals import N_RESAMPLES, Codes, Figure, Floats, encode, figure, subject_counts

N_BINS = 10
CHUNK = 32
METRICS = (
    "auc_roc", "auc_pr", "log_loss", "brier", "ece", "precision", "recall", "f1_score", "accuracy", "prevalence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happened and to whom, row by row: labels (n,) of 0 and 1, subject codes (n,), their number."""

    labels: Floats
    codes: Codes
    n_subjects: int

    @classmethod
    def of(cls, labels: NDArray[np.bool_], subjects: NDArray[np.object_]) -> Outcomes:
        codes, n_subjects = encode(subjects)
        return cls(labels.astype(np.float64), codes, n_subjects)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every metric of METRICS with its interval, and the rows and subjects behind them."""

    n_rows: int
    n_subjects: int
    n_positive: int
    threshold: float
    figures: Mapping[str, Figure]

    def values(self) -> dict[str, float]:
        return {name: item.value for name, item in self.figures.items()}


def evaluate(
    outcomes: Outcomes, probability: Floats, *, threshold: float, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Evaluation:
    """All metrics with 95 % bootstrap intervals over subjects.

    ECE: 10 equal-width bins (Naeini et al. 2015). AUC-PR: average precision. Log loss clips at 1e-15.
    """
    everyone = np.ones((1, outcomes.n_subjects))
    counts = subject_counts(outcomes.n_subjects, n_resamples, seed)
    point = metrics(outcomes, probability, everyone, threshold)
    spread = metrics(outcomes, probability, counts, threshold)
    return Evaluation(
        n_rows=len(probability),
        n_subjects=outcomes.n_subjects,
        n_positive=int(outcomes.labels.sum()),
        threshold=threshold,
        figures={name: figure(float(point[name][0]), spread[name]) for name in METRICS},
    )


def metrics(outcomes: Outcomes, probability: Floats, counts: Floats, threshold: float) -> dict[str, Floats]:
    """Each metric per row of counts (r, n_subjects): {name: (r,)}; counts of one give the plain metric."""
    auc_roc, auc_pr = ranking(outcomes, probability, counts)
    sums = counts @ _sums_per_subject(outcomes, probability, threshold)  # (r, 7 + 2 * N_BINS)
    n, loss, squares, tp, fp, fn, tn = sums[:, :7].T
    gaps = np.abs(sums[:, 7 : 7 + N_BINS] - sums[:, 7 + N_BINS :]).sum(axis=1)
    return {
        "auc_roc": auc_roc,
        "auc_pr": auc_pr,
        "log_loss": loss / n,
        "brier": squares / n,
        "ece": gaps / n,
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "f1_score": _ratio(2 * tp, 2 * tp + fp + fn),
        "accuracy": (tp + tn) / n,
        "prevalence": (tp + fn) / n,
    }


def ranking(outcomes: Outcomes, scores: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """AUC-ROC (ties count half) and average precision per row of counts: two arrays (r,)."""
    parts = [_rank_chunk(outcomes, scores, chunk) for chunk in _chunks(outcomes, scores, counts)]
    return np.concatenate([a for a, _ in parts]), np.concatenate([p for _, p in parts])


def plain_auc(labels: NDArray[np.bool_], scores: Floats) -> float:
    """The AUC of scores (n,) without an interval; one half where there is one class only."""
    everyone = Outcomes(labels.astype(np.float64), np.zeros(len(labels), dtype=np.int64), 1)
    return float(np.nan_to_num(ranking(everyone, scores, np.ones((1, 1)))[0][0], nan=0.5))


def auc_difference(
    outcomes: Outcomes, candidate: Floats, other: Floats, *, n_resamples: int = 1000, seed: int = 0
) -> Figure:
    """AUC of the candidate minus AUC of the other on the same rows, with a paired bootstrap interval."""
    everyone = np.ones((1, outcomes.n_subjects))
    counts = subject_counts(outcomes.n_subjects, n_resamples, seed)
    point = ranking(outcomes, candidate, everyone)[0] - ranking(outcomes, other, everyone)[0]
    return figure(float(point[0]), ranking(outcomes, candidate, counts)[0] - ranking(outcomes, other, counts)[0])


def calibration_curve(outcomes: Outcomes, probability: Floats) -> list[tuple[float, float, int]]:
    """(mean probability, observed share, rows) for every non-empty bin, lowest first."""
    bins = _bins(probability)
    n = np.bincount(bins, minlength=N_BINS)
    mean = _ratio(np.bincount(bins, probability, N_BINS).astype(np.float64), n.astype(np.float64))
    share = _ratio(np.bincount(bins, outcomes.labels, N_BINS).astype(np.float64), n.astype(np.float64))
    return [(float(mean[b]), float(share[b]), int(n[b])) for b in range(N_BINS) if n[b]]


def best_f1_threshold(labels: Floats, probability: Floats) -> float:
    """The probability at and above which F1 is largest; 0.5 where there is no positive row."""
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(labels[order])
    if not len(hits) or hits[-1] == 0:
        return 0.5
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    last_of_tie = np.append(np.diff(probability[order]) != 0, True)
    return float(probability[order][np.argmax(np.where(last_of_tie, f1, -1.0))])


def _chunks(outcomes: Outcomes, scores: Floats, counts: Floats) -> Iterator[Floats]:
    if len(scores) != len(outcomes.labels):
        raise ValueError(f"{len(scores)} scores for {len(outcomes.labels)} rows; score exactly the evaluated rows")
    for start in range(0, len(counts), CHUNK):
        yield counts[start : start + CHUNK]


def _rank_chunk(outcomes: Outcomes, scores: Floats, counts: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.append(True, scores[order][1:] != scores[order][:-1]))
    weight = counts[:, outcomes.codes[order]]
    positive = np.add.reduceat(weight * outcomes.labels[order], starts, axis=1)
    negative = np.add.reduceat(weight, starts, axis=1) - positive
    above, below = positive.cumsum(axis=1), negative.cumsum(axis=1)
    n_positive, n_negative = above[:, -1], below[:, -1]
    auc_roc = _ratio(((above - positive / 2) * negative).sum(axis=1), n_positive * n_negative)
    precision = np.divide(above, above + below, out=np.zeros_like(above), where=above + below > 0)
    return auc_roc, _ratio((precision * positive).sum(axis=1), n_positive)


def _sums_per_subject(outcomes: Outcomes, probability: Floats, threshold: float) -> Floats:
    """Every additive quantity summed per subject: (n_subjects, 7 + 2 * N_BINS)."""
    y, yes = outcomes.labels, (probability >= threshold).astype(np.float64)
    clipped = np.clip(probability, 1e-15, 1 - 1e-15)
    loss = -(y * np.log(clipped) + (1 - y) * np.log(1 - clipped))
    squares = (probability - y) ** 2
    plain = [np.ones_like(y), loss, squares, y * yes, (1 - y) * yes, y * (1 - yes), (1 - y) * (1 - yes)]
    columns = [np.bincount(outcomes.codes, item, outcomes.n_subjects) for item in plain]
    cell = outcomes.codes * N_BINS + _bins(probability)
    binned = [np.bincount(cell, item, outcomes.n_subjects * N_BINS).reshape(-1, N_BINS) for item in (probability, y)]
    return np.hstack([np.column_stack(columns), *binned])


def _bins(probability: Floats) -> Codes:
    return np.clip((probability * N_BINS).astype(np.int64), 0, N_BINS - 1)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    quotient: Floats = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
    return quotient
