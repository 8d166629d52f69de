"""Preferences: known strengths recovered, swapping swaps, ties have a width, and people too few have no strength."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from ml.families.answer_texts import FEATURES, answer_features, answer_pairs
from ml.families.preferences import (
    FIRST,
    SECOND,
    TIE,
    NoVerdictsError,
    PairPreference,
    _loss,
    pairs_from_feedback,
)
from ml.intervals import Codes

STRENGTHS = {"large": 1.0, "middle": 0.0, "small": -1.0}


def contests(n: int, seed: int = 0) -> tuple[pd.DataFrame, Codes]:
    """Pairs of answers by items of STRENGTHS, one feature that counts as much, and verdicts drawn by Rao and Kupper."""
    chance = np.random.default_rng(seed)
    names = np.array(list(STRENGTHS), dtype=object)
    items = np.array([chance.permutation(3)[:2] for _ in range(n)])
    pairs = pd.DataFrame(
        {
            "first_item": names[items[:, 0]],
            "second_item": names[items[:, 1]],
            "first_length": chance.normal(size=n),
            "second_length": chance.normal(size=n),
        }
    )
    worth = np.array(list(STRENGTHS.values()))[items]
    d = worth[:, 0] - worth[:, 1] + 0.5 * (pairs["first_length"] - pairs["second_length"]).to_numpy()
    first, second = 1 / (1 + np.exp(-(d - 0.4))), 1 / (1 + np.exp(d + 0.4))
    drawn = chance.random(n)
    return pairs, np.select([drawn < first, drawn < first + second], [FIRST, SECOND], TIE)


def test_known_strengths_come_back() -> None:
    fitted = PairPreference(penalty=1e-4).fit(*contests(4000))
    assert fitted.strengths() == pytest.approx(STRENGTHS, abs=0.15)
    assert fitted.width_ == pytest.approx(0.4, abs=0.1)
    assert fitted.weights_[0] / fitted.scale_[0] == pytest.approx(0.5, abs=0.08)


def test_swapping_two_answers_swaps_the_verdict() -> None:
    pairs, verdicts = contests(300)
    fitted = PairPreference().fit(pairs, verdicts)
    swapped = pairs.rename(columns=lambda name: {"f": "second_", "s": "first_"}[name[0]] + name.split("_", 1)[1])
    assert fitted.predict_proba(swapped)[:, [0, 2, 1]] == pytest.approx(fitted.predict_proba(pairs))
    assert fitted.predict_proba(pairs).sum(axis=1) == pytest.approx(np.ones(300))


def test_the_slope_of_the_loss_is_its_slope() -> None:
    from scipy.optimize import check_grad

    pairs, verdicts = contests(50)
    table = np.column_stack([pairs["first_length"] - pairs["second_length"], np.ones(50)])
    loss = _loss(table, verdicts, 0.01)
    assert check_grad(lambda x: loss(x)[0], lambda x: loss(x)[1], np.array([0.3, -0.2, -0.7])) < 1e-5


def test_quality_of_single_answers_is_what_pairs_compare() -> None:
    pairs, verdicts = contests(400)
    fitted = PairPreference().fit(pairs, verdicts)
    sides = [
        fitted.quality(pairs[[f"{side}_item", f"{side}_length"]].rename(columns=lambda n: n.split("_")[1]))
        for side in ("first", "second")
    ]
    assert sides[0] - sides[1] == pytest.approx(fitted.decision_function(pairs))


def test_an_item_of_four_people_has_no_strength() -> None:
    pairs, verdicts = contests(200)
    pairs.loc[:3, "first_item"] = "rare"
    people = np.array([f"p{at % 40}" for at in range(200)], dtype=object)
    fitted = PairPreference().fit(pairs, verdicts, people)
    assert sorted(fitted.strengths()) == sorted(STRENGTHS)
    assert b"rare" not in pickle.dumps(fitted)


def test_nothing_but_ties_teaches_nothing() -> None:
    pairs, _ = contests(10)
    with pytest.raises(NoVerdictsError, match="wait"):
        PairPreference().fit(pairs, np.zeros(10, dtype=np.int64))


def test_pairs_are_of_one_person_and_intent() -> None:
    exchanges = pd.DataFrame(
        {
            "subject": ["s", "s", "s", "s", "t", "t"],
            "event_day": ["1", "1", "2", "2", "1", "2"],
            "exchange_no": [1, 2, 1, 2, 1, 1],
            "intent": ["draft", "draft", "draft", "plan", "draft", "draft"],
            "ai_model": ["a", "b", "a", "a", "a", "b"],
            "rating": [5, 3, 3, 1, None, 4],
            "similarity": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        }
    )
    pairs, verdicts = pairs_from_feedback(exchanges, ["similarity"])
    assert pairs["subject"].tolist() == ["s", "s"]
    assert pairs[["first_item", "second_item"]].to_numpy().tolist() == [["a", "b"], ["b", "a"]]
    assert pairs["second_similarity"].tolist() == [0.2, 0.3]
    assert verdicts.tolist() == [FIRST, TIE]


def test_repetition_copying_and_emptiness_are_counted() -> None:
    prompt = "write a short line about cheese"
    answers = ["", "cheese cheese cheese cheese cheese cheese", "write a short line about cheese", "A soft brie."]
    found = answer_features([prompt] * 4, answers)
    assert list(found.columns) == list(FEATURES)
    assert found["is_empty"].tolist() == [1, 0, 0, 0]
    assert found["distinct_words"].idxmin() == 0
    assert found["repeated_pairs"].idxmax() == 1
    assert found["copied"].tolist() == [0, 0, 1, 0]
    assert found["is_finished"].tolist() == [0, 0, 0, 1]
    assert len(answer_pairs([prompt], ["a"], ["b"]).columns) == 2 * len(FEATURES)
