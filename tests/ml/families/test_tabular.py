"""Curves, labels, missing figures and planted interactions, each found by a member; weights; what is not kept."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from ml.evaluation import Outcomes, ranking
from ml.families.mixed_columns import CurvedColumns, OrderedColumns
from ml.families.tabular import MEMBERS, OneClassError, TabularClassifier, inner_folds, likeliest_weights
from ml.intervals import Floats

CANARY = "zqxjkvwy"
Classes = np.ndarray[tuple[int], np.dtype[np.bool_]]


def table(n: int, seed: int) -> tuple[pd.DataFrame, Classes, Floats]:
    """Columns with a valley, labels, and an interaction; classes drawn from the probabilities that are given too."""
    chance = np.random.default_rng(seed)
    columns = pd.DataFrame(
        {
            "valley": chance.normal(size=n),
            "plan": chance.choice(["free", "pro", "team"], n),
            "seats": chance.lognormal(1, 1, n),
            "is_new": chance.random(n) < 0.5,
        }
    )
    score = 1.5 * columns["valley"] ** 2 - 1.5 + columns["plan"].map({"free": 1.5, "pro": 0.0, "team": -1.5})
    score += np.where(columns["is_new"], 1, -1) * np.log(columns["seats"])
    probability = 1 / (1 + np.exp(-score.to_numpy(np.float64)))
    columns.loc[chance.random(n) < 0.1, "valley"] = np.nan
    columns.loc[chance.random(n) < 0.1, "plan"] = None
    return columns, chance.random(n) < probability, probability


def auc(classes: Classes, scores: Floats) -> float:
    return float(
        ranking(Outcomes.of(classes, np.arange(len(classes)).astype(object)), scores, np.ones((1, len(classes))))[0][0]
    )


@pytest.fixture(scope="module")
def fitted() -> TabularClassifier:
    columns, classes, _ = table(900, 0)
    return TabularClassifier(("linear", "flat boosting"), n_folds=2).fit(columns, classes)


def test_it_ranks_nearly_as_well_as_the_truth_does(fitted: TabularClassifier) -> None:
    columns, classes, truth = table(900, 1)
    made = fitted.predict_proba(columns)
    assert made.sum(axis=1) == pytest.approx(np.ones(900))
    assert auc(classes, made[:, 1]) > auc(classes, truth) - 0.05
    assert ((made[:, 1] > 0.5) == fitted.predict(columns)).all()
    assert abs(made[:, 1].mean() - classes.mean()) < 0.05


def test_every_member_fits_and_one_without_weight_is_left_out() -> None:
    columns, classes, _ = table(300, 2)
    model = TabularClassifier(n_folds=2, least_weight=0.0).fit(columns, classes)
    assert model.names_ == list(MEMBERS)
    assert TabularClassifier(n_folds=2, least_weight=0.9, members=("linear",)).fit(columns, classes).weights_ == [1.0]


def test_weights_go_to_the_member_that_is_right() -> None:
    chance = np.random.default_rng(0)
    truth = chance.random(2000)
    happened = np.where(chance.random(2000) < truth, truth, 1 - truth)
    weights = likeliest_weights(np.column_stack([happened, np.full(2000, 0.5), chance.random(2000)]))
    assert weights.sum() == pytest.approx(1)
    assert weights[0] > 0.9


def test_a_persons_rows_stay_in_one_inner_fold() -> None:
    _, classes, _ = table(200, 3)
    who = np.repeat(np.arange(50), 4).astype(object)
    for inside, outside in inner_folds(classes, who, 4, 0):
        assert not set(who[inside]) & set(who[outside])


def test_curves_bend_between_quantiles_and_missing_figures_are_said() -> None:
    rows = pd.DataFrame({"x": [*np.arange(100.0), np.nan], "plan": ["a"] * 50 + ["b"] * 47 + ["rare"] * 4})
    curved = CurvedColumns(n_pieces=4).fit(rows)
    made = curved.transform(rows)
    assert made.shape == (101, 4 + 1 + 2)
    assert ((made >= 0) & (made <= 1)).all()
    assert (np.diff(made[:100, :4].sum(axis=1)) >= 0).all()
    assert made[100, 4] == 1
    assert made[100, :4] == pytest.approx([1, 1, 0, 0])  # the median of the known
    empty = CurvedColumns().fit(pd.DataFrame({"x": [np.nan] * 9}))
    assert empty.transform(pd.DataFrame({"x": [1.0]})).tolist() == [[0.0]]


def test_labels_are_ordered_by_their_share_and_rare_ones_have_the_overall_share() -> None:
    rows = pd.DataFrame({"plan": ["a"] * 40 + ["b"] * 40 + ["rare"] * 4})
    classes = np.array([True] * 36 + [False] * 4 + [True] * 10 + [False] * 30 + [True] * 4)
    found = OrderedColumns().fit(rows, classes)
    a, b, rare, new = found.transform(pd.DataFrame({"plan": ["a", "b", "rare", "never seen"]}))[:, 0]
    assert a == pytest.approx((36 + 20 * 50 / 84) / 60)
    assert b < rare < a
    assert rare == new == classes.mean()


def test_a_single_class_is_refused() -> None:
    columns, _, _ = table(20, 4)
    with pytest.raises(OneClassError, match="wait for rows of both"):
        TabularClassifier(n_folds=2).fit(columns, np.zeros(20, dtype=np.bool_))


def test_the_artefact_holds_no_label_of_four_and_nobodys_row() -> None:
    columns, classes, _ = table(400, 5)
    columns.loc[:3, "plan"] = CANARY
    columns.loc[0, ["valley", "seats"]] = [4815.162342, 48151.62342]
    stored = pickle.dumps(TabularClassifier(n_folds=2).fit(columns, classes))
    assert CANARY.encode() not in stored
    for value in (4815.162342, 48151.62342):
        assert np.float64(value).tobytes() not in stored
        assert np.float32(value).tobytes() not in stored
