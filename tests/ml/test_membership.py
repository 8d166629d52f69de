"""The attack on what a model remembers: it finds a model that learns by heart, and little in one that does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from ml.gates import PromotionPolicy
from ml.intervals import Floats
from ml.membership import N_MODELS, halves, membership

LIMITS = PromotionPolicy()


def rows(n_people: int = 400, seed: int = 1) -> tuple[pd.DataFrame, NDArray[np.bool_], NDArray[np.object_]]:
    """Three rows a person, five features, of which one tells something of the label."""
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(3 * n_people, 5))
    labels = draw.random(3 * n_people) < 1 / (1 + np.exp(-values[:, 0]))
    subjects = np.repeat(np.array([f"s{i}" for i in range(n_people)], dtype=object), 3)
    return pd.DataFrame(values, columns=list("abcde")), labels, subjects


def by_heart(known: pd.DataFrame, labels: NDArray[np.bool_], asked: pd.DataFrame) -> Floats:
    return np.asarray(DecisionTreeClassifier(random_state=0).fit(known, labels).predict_proba(asked)[:, 1])


def by_rule(known: pd.DataFrame, labels: NDArray[np.bool_], asked: pd.DataFrame) -> Floats:
    return np.asarray(LogisticRegression(C=0.1).fit(known, labels).predict_proba(asked)[:, 1])


def test_a_model_that_learns_by_heart_is_told_and_would_be_refused() -> None:
    told = membership(by_heart, *rows())
    assert told is not None
    assert told.auc > 0.9 > LIMITS.max_membership_auc
    assert told.true_alarms > LIMITS.max_membership_alarms


def test_a_model_of_one_rule_tells_little() -> None:
    told = membership(by_rule, *rows())
    assert told is not None
    assert 0.45 < told.auc < LIMITS.max_membership_auc
    assert (told.n_people, told.n_models) == (400, N_MODELS)


def test_a_model_that_learns_nothing_tells_nothing() -> None:
    told = membership(lambda _known, _labels, asked: np.full(len(asked), 0.3), *rows())
    assert told is not None
    assert told.auc == 0.5


def test_other_pseudonyms_of_the_same_people_give_the_same_figure() -> None:
    features, labels, subjects = rows()
    renamed = np.array([f"u{hash_of}" for hash_of in (7919 * int(s[1:]) % 401 for s in subjects)], dtype=object)
    assert len(set(renamed)) == len(set(subjects))
    assert membership(by_rule, features, labels, renamed) == membership(by_rule, features, labels, subjects)


def test_everybody_is_inside_half_of_the_models() -> None:
    inside = halves(31, np.random.default_rng(0))
    assert inside.shape == (N_MODELS, 31)
    assert set(inside.sum(axis=0)) == {N_MODELS // 2}


def test_without_both_outcomes_there_is_nothing_to_attack() -> None:
    features, labels, subjects = rows(20)
    assert membership(by_rule, features, np.zeros_like(labels), subjects) is None
