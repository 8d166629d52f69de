"""Every metric against scikit-learn, also under resampled weights, and intervals that behave as intervals should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from ml.evaluation import (
    Outcomes,
    auc_difference,
    best_f1_threshold,
    calibration_curve,
    evaluate,
    metrics,
)
from ml.intervals import Floats, subject_counts


def _sample(n: int = 900, *, ties: bool = True) -> tuple[Outcomes, Floats]:
    random = np.random.default_rng(3)
    subjects = np.array([f"s{i}" for i in random.integers(0, 120, n)], dtype=object)
    scores = random.random(n)
    labels = random.random(n) < scores
    return Outcomes.of(labels, subjects), np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("ties", [True, False])
def test_metrics_agree_with_scikit_learn_on_every_resample(ties: bool) -> None:
    outcomes, scores = _sample(ties=ties)
    counts = subject_counts(outcomes.n_subjects, 40, seed=1)
    found = metrics(outcomes, scores, counts, 0.5)
    for i, row in enumerate(counts):
        y, yes, weight = outcomes.labels, scores >= 0.5, row[outcomes.codes]
        assert found["auc_roc"][i] == pytest.approx(oracle.roc_auc_score(y, scores, sample_weight=weight))
        assert found["auc_pr"][i] == pytest.approx(oracle.average_precision_score(y, scores, sample_weight=weight))
        assert found["brier"][i] == pytest.approx(oracle.brier_score_loss(y, scores, sample_weight=weight))
        assert found["f1_score"][i] == pytest.approx(oracle.f1_score(y, yes, sample_weight=weight))
        assert found["precision"][i] == pytest.approx(oracle.precision_score(y, yes, sample_weight=weight))
        assert found["recall"][i] == pytest.approx(oracle.recall_score(y, yes, sample_weight=weight))
        assert found["accuracy"][i] == pytest.approx(oracle.accuracy_score(y, yes, sample_weight=weight))


def test_log_loss_agrees_with_scikit_learn() -> None:
    outcomes, scores = _sample(ties=False)
    found = metrics(outcomes, scores, np.ones((1, outcomes.n_subjects)), 0.5)
    assert found["log_loss"][0] == pytest.approx(oracle.log_loss(outcomes.labels, scores))


def test_ece_is_zero_when_shares_match_and_large_when_they_do_not() -> None:
    labels = np.tile([True, False], 500)
    outcomes = Outcomes.of(labels, np.arange(1000).astype(object))
    assert evaluate(outcomes, np.full(1000, 0.5), threshold=0.5).figures["ece"].value == pytest.approx(0)
    assert evaluate(outcomes, np.full(1000, 0.9), threshold=0.5).figures["ece"].value == pytest.approx(0.4)


def test_rows_of_one_subject_widen_the_interval() -> None:
    """The same rows, once as independent people and once as ten copies of each person."""
    random = np.random.default_rng(0)
    scores = np.repeat(random.random(60), 10)
    labels = np.repeat(random.random(60) < 0.5, 10)
    alone = evaluate(Outcomes.of(labels, np.arange(600).astype(object)), scores, threshold=0.5).figures["auc_roc"]
    grouped = evaluate(Outcomes.of(labels, np.repeat(np.arange(60), 10).astype(object)), scores, threshold=0.5)
    wide = grouped.figures["auc_roc"]
    assert wide.high - wide.low > 2 * (alone.high - alone.low)


def test_the_interval_covers_and_a_paired_difference_is_narrower() -> None:
    outcomes, scores = _sample(ties=False)
    auc = evaluate(outcomes, scores, threshold=0.5).figures["auc_roc"]
    assert auc.low < auc.value < auc.high
    nudged = scores + np.random.default_rng(1).normal(0, 0.01, len(scores))
    gain = auc_difference(outcomes, scores, nudged)
    assert gain.high - gain.low < (auc.high - auc.low) / 2
    assert gain.low < 0.01


def test_one_class_gives_nan_and_never_a_number() -> None:
    outcomes = Outcomes.of(np.zeros(50, dtype=bool), np.arange(50).astype(object))
    figures = evaluate(outcomes, np.linspace(0, 1, 50), threshold=0.5).figures
    assert np.isnan(figures["auc_roc"].value)
    assert np.isnan(figures["auc_roc"].low)


def test_the_order_of_rows_changes_nothing() -> None:
    outcomes, scores = _sample()
    order = np.random.default_rng(2).permutation(len(scores))
    shuffled = Outcomes(outcomes.labels[order], outcomes.codes[order], outcomes.n_subjects)
    plain = evaluate(outcomes, scores, threshold=0.5).figures["auc_roc"]
    mixed = evaluate(shuffled, scores[order], threshold=0.5).figures["auc_roc"]
    assert (plain.value, plain.low, plain.high) == pytest.approx((mixed.value, mixed.low, mixed.high))


def test_the_threshold_with_the_best_f1_is_found() -> None:
    outcomes, scores = _sample()
    best = best_f1_threshold(outcomes.labels, scores)
    f1 = {t: oracle.f1_score(outcomes.labels, scores >= t) for t in np.unique(scores)}
    assert f1[best] == pytest.approx(max(f1.values()))


def test_scores_of_other_rows_are_refused() -> None:
    outcomes, scores = _sample()
    with pytest.raises(ValueError, match="score exactly the evaluated rows"):
        auc_difference(outcomes, scores[:-1], scores[:-1])


def test_the_calibration_curve_counts_every_row_once() -> None:
    outcomes, scores = _sample()
    points = calibration_curve(outcomes, scores)
    assert sum(n for _, _, n in points) == len(scores)
    assert all(0 <= share <= 1 for _, share, _ in points)
