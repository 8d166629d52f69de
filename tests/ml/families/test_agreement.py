"""Kappa against a hand-worked table and scikit-learn's, judges of known reliability recovered, and what ties do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from ml.families.agreement import cohen_kappa, consensus, expected_kappa, kappa_figure, kappa_gain
from ml.intervals import Codes

RIGHT = (0.95, 0.85, 0.6)


def votes_of(n: int, seed: int = 0) -> tuple[Codes, Codes]:
    """The truth (n,) and votes (n, 3) of judges who are right as often as RIGHT, and else say any other class."""
    chance = np.random.default_rng(seed)
    truth = chance.choice(3, n, p=[0.2, 0.4, 0.4])
    wrong = (truth[:, None] + chance.integers(1, 3, (n, 3))) % 3
    return truth, np.where(chance.random((n, 3)) < RIGHT, truth[:, None], wrong)


def test_kappa_is_cohens() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: 0.7 agree, 0.5 by chance.
    first, second = (np.repeat(np.array(votes), [20, 5, 10, 15]) for votes in ([1, 1, 0, 0], [1, 0, 1, 0]))
    assert cohen_kappa(first, second, 2) == pytest.approx(0.4)
    _, votes = votes_of(400)
    assert cohen_kappa(votes[:, 0], votes[:, 2], 3) == pytest.approx(cohen_kappa_score(votes[:, 0], votes[:, 2]))


@pytest.mark.shared_data
def test_kappas_of_the_three_judges_are_the_published_ones(shared_data: Path) -> None:
    file = shared_data / "pairwise_feedback" / "testset-v1.json.gz"
    rows = json.loads(gzip.decompress(file.read_bytes()))
    votes = np.array([[row[f"annotator{judge}"] for judge in (1, 2, 3)] for row in rows])
    found = [cohen_kappa(votes[:, a], votes[:, b], 3) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert [round(kappa, 2) for kappa in found] == [0.85, 0.88, 0.86]


def test_intervals_widen_when_items_come_in_groups() -> None:
    _, votes = votes_of(300)
    alone, grouped = (
        kappa_figure(np.repeat(votes[:, 0], 4), np.repeat(votes[:, 1], 4), 3, units.astype(object))
        for units in (np.arange(1200), np.repeat(np.arange(300), 4))
    )
    assert alone.value == pytest.approx(grouped.value)
    assert alone.low < alone.value < alone.high
    assert 1.6 < (grouped.high - grouped.low) / (alone.high - alone.low) < 2.4  # four copies are no new evidence


def test_consensus_finds_who_is_right() -> None:
    truth, votes = votes_of(3000)
    found = consensus(votes, 3)
    assert found.accuracies == pytest.approx(RIGHT, abs=0.03)
    assert found.shares == pytest.approx([0.2, 0.4, 0.4], abs=0.03)
    majority = np.eye(3)[votes].sum(axis=1).argmax(axis=1)
    assert (found.verdicts == truth).mean() > (majority == truth).mean()


def test_nobody_agrees_with_a_judge_more_than_the_truth_does() -> None:
    truth, votes = votes_of(3000)
    found = consensus(votes, 3)
    for judge in range(3):
        ceiling = expected_kappa(found.tables, found.shares, judge)
        assert cohen_kappa(truth, votes[:, judge], 3) == pytest.approx(ceiling, abs=0.05)


def test_a_judge_who_is_often_wrong_breaks_ties_and_outvotes_nobody() -> None:
    truth, votes = votes_of(3000)
    made, by_two = consensus(votes, 3).verdicts, consensus(votes[:, :2], 3).verdicts
    assert (made == truth).mean() >= (by_two == truth).mean()
    agreed = votes[:, 0] == votes[:, 1]
    assert (made[agreed] == votes[agreed, 0]).mean() > 0.99


def test_a_coin_for_a_judge_shows_a_loss() -> None:
    truth, votes = votes_of(2000)
    units = np.arange(2000).astype(object)
    coin = np.random.default_rng(1).integers(0, 3, 2000)
    assert kappa_gain(truth, votes[:, 0], votes[:, 1], 3, units).low > 0
    assert kappa_gain(truth, coin, votes[:, 2], 3, units).high < 0
