"""The ladder takes the dearer rung only when it earns it, learns the same from the same rows, and is one Pipeline."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike

from ml import artifacts, churn
from ml.churn import Ladder
from ml.measurement import learning_rows
from ml.training_sets import TrainingSet
from tests.ml import synthetic


def _ladder(features: pd.DataFrame, labels: ArrayLike, n_subjects: int = 300) -> Ladder:
    subjects = np.array([f"s{i % n_subjects}" for i in range(len(features))], dtype=object)
    folds = (np.arange(len(features)) % n_subjects % 3).astype(np.int64)
    return churn.climb(features, np.asarray(labels, dtype=np.bool_), subjects, folds, lambda _: None)


def test_a_straight_line_needs_no_trees() -> None:
    random = np.random.default_rng(0)
    features = pd.DataFrame(random.normal(size=(1500, 3)), columns=["a", "b", "c"])
    assert _ladder(features, features["a"] + random.normal(size=1500) > 0).chosen == "logistic regression"


def test_what_no_line_separates_takes_boosting() -> None:
    random = np.random.default_rng(0)
    features = pd.DataFrame(random.normal(size=(1500, 2)), columns=["a", "b"])
    assert _ladder(features, features["a"] * features["b"] > 0).chosen == "gradient boosting"


def test_labels_without_a_cause_stay_with_the_majority() -> None:
    random = np.random.default_rng(1)
    features = pd.DataFrame(random.normal(size=(1500, 4)), columns=list("abcd"))
    assert _ladder(features, random.random(1500) < 0.4).chosen == "majority"


@pytest.mark.parametrize("rung", churn.RUNGS)
def test_the_same_rows_teach_the_same(rung: str, small_set: TrainingSet) -> None:
    features, labels, _, _ = learning_rows(small_set)
    first, second = (artifacts.learned_digest(churn.fit(rung, features, labels)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("rung", churn.RUNGS)
def test_missing_values_and_empty_columns_are_learned_from(rung: str) -> None:
    features = synthetic.frame(100, 2)[["n_events_28d", "noise_0"]].assign(empty=np.nan)
    labels = np.arange(len(features)) % 2 == 0
    scores = churn.probabilities(churn.fit(rung, features, labels), features)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("label", [True, False])
def test_one_class_alone_is_predicted_as_itself(label: bool) -> None:
    features = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    fitted = churn.fit("gradient boosting", features, np.full(3, label))
    assert churn.probabilities(fitted, features).tolist() == [float(label)] * 3


def test_every_learned_step_is_in_the_pipeline_and_columns_may_come_in_any_order() -> None:
    features = synthetic.frame(100, 2)[["n_events_28d", "days_since_last_event"]]
    labels = np.arange(len(features)) % 3 == 0
    fitted = churn.fit("logistic regression", features, labels)
    turned = features[features.columns[::-1]]
    np.testing.assert_array_equal(churn.probabilities(fitted, turned), churn.probabilities(fitted, features))


def test_the_ladder_survives_its_own_document(small_set: TrainingSet) -> None:
    features, labels, subjects, folds = learning_rows(small_set)
    ladder = churn.climb(features, labels, subjects, folds, lambda _: None)
    assert Ladder.parse(ladder.document()) == ladder
    assert [len(rung.folds) for rung in ladder.rungs] == [3, 3, 3]


def test_a_column_that_holds_the_target_is_found() -> None:
    frame = synthetic.frame(100, 4)
    features = frame[["n_events_28d", "noise_0"]].assign(left=-frame["is_churned"].astype(float))
    name, auc = churn.strongest(churn.associations(features, frame["is_churned"].to_numpy(np.bool_)))
    assert (name, auc) == ("left", 1.0)
