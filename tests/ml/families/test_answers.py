"""Planted causes of success are found, at the prompt and at the answer; nothing is found where nothing is planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.families import answers
from ml.families.answers import NothingToldError, outcomes
from ml.families.patterns import find_patterns
from ml.families.result import FamilyPolicy, decide_family
from ml.families.sentiment import sentiments


def objects(values: list[Any]) -> np.ndarray[Any, Any]:
    """Values as they are, None among them."""
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def exchanges(n: int, seed: int, effect: float = 1.0) -> pd.DataFrame:
    """Rows of ftr_prompt_response_pairs: drafts of the small model fail, slow answers too, as far as effect goes."""
    chance = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "subject": [f"s{at}" for at in chance.integers(0, 60, n)],
        "intent": chance.choice(["draft", "plan", "search"], n),
        "prompt_template": chance.choice(objects(["reply", "list", None]), n),
        "prompt_language": "en",
        "ai_model": chance.choice(["small", "large"], n),
        "prompt_length": chance.integers(5, 500, n),
        "prompt_complexity": np.where(chance.random(n) < 0.9, chance.random(n), np.nan),
        "sentiment": chance.uniform(-1, 1, n),
        "n_prompt_tokens": chance.integers(1, 100, n),
        "n_answer_tokens": chance.integers(1, 400, n),
        "latency_ms": chance.gamma(2, 700, n),
        "similarity": chance.uniform(-0.1, 0.6, n),
        "rating": np.where(chance.random(n) < 0.3, 5.0, np.nan),
        "has_failed": False,
        "is_edited": False,
    }
    table = pd.DataFrame(columns)
    is_bad = ((table["intent"] == "draft") & (table["ai_model"] == "small")).to_numpy()
    logit = 1.0 - effect * (2.5 * is_bad + 1.5 * (table["latency_ms"] > 2000).to_numpy())
    well = chance.random(n) < 1 / (1 + np.exp(-logit))
    return table.assign(has_succeeded=well, is_regenerated=~well & (chance.random(n) < 0.5)).assign(
        has_failed=~well, prompt_embedding=objects([chance.normal(size=8) for _ in range(n)]), response_embedding=None
    )


def test_what_counts_as_well() -> None:
    rows = exchanges(6, 0).assign(
        has_succeeded=[True, True, True, True, False, False],
        has_failed=[True, False, False, False, True, False],
        is_regenerated=[False, True, False, False, False, False],
        is_edited=objects([False, False, True, None, False, None]),
        rating=[np.nan, np.nan, 5.0, 3.0, np.nan, np.nan],
    )
    well, is_told = outcomes(rows)
    assert well.tolist() == [True, False, False, False, False, False]
    assert is_told.tolist() == [True, True, True, True, True, False]


def test_more_is_known_at_the_answer_than_at_the_prompt() -> None:
    train, later = exchanges(1200, 1), exchanges(900, 2)
    at_prompt, at_answer = (answers.measured(moment, train, later) for moment in ("prompt", "answer"))
    assert at_prompt.gain.low > 0.1
    assert at_answer.strong.value > at_prompt.strong.value + 0.03
    verdicts = decide_family(at_answer, FamilyPolicy(0.05, {"auc_roc": 0.7}))
    assert all(verdict.passed and verdict.margin is not None and verdict.margin > 0 for verdict in verdicts)


def test_shuffled_outcomes_are_refused() -> None:
    found = answers.measured("answer", exchanges(800, 1, effect=0), exchanges(900, 2, effect=0))
    assert 0.43 < found.strong.value < 0.57
    above, floor = decide_family(found, FamilyPolicy(0.01, {"auc_roc": 0.6}))
    assert not above.passed
    assert not floor.passed
    assert not decide_family(found, FamilyPolicy(floors={"no such figure": 0.0}))[1].passed


def test_vectors_join_as_directions_and_keep_no_row() -> None:
    rows = exchanges(300, 3)
    vector = np.arange(8.0)
    rows["prompt_embedding"] = objects([vector if well else -vector for well in rows["has_succeeded"]])
    fitted = answers.fit("prompt", rows, n_directions=2)
    assert fitted.named_steps["features"].transform(rows).shape[1] == 3 + 2 + 1 + 2 + 4 + 2
    assert answers.quality(fitted, rows)[rows["has_succeeded"]].min() > 0.9
    sizes = [np.shape(v) for v in vars(fitted.named_steps["features"].directions_["prompt_embedding"]).values()]
    assert all(300 not in size for size in sizes)


def test_nothing_told_is_refused() -> None:
    with pytest.raises(NothingToldError, match="0 exchanges"):
        answers.fit("prompt", exchanges(50, 0).assign(has_succeeded=False, has_failed=False, rating=None))


def test_the_planted_failure_is_the_first_pattern() -> None:
    found = find_patterns(exchanges(2000, 4))
    assert dict(found[0].labels) == {"intent": "draft", "ai_model": "small"}
    assert found[0].is_sure
    assert found[0].is_failure
    assert found[0].success_rate.high < 0.5
    assert all(pattern.n_people >= 5 for pattern in found)


def test_no_pattern_is_sure_where_none_is_planted() -> None:
    sure = [
        pattern for seed in range(5) for pattern in find_patterns(exchanges(800, seed, effect=0)) if pattern.is_sure
    ]
    assert len(sure) <= 1


def test_a_pattern_of_four_people_or_of_all_but_four_is_left_out() -> None:
    rows = exchanges(400, 5)
    few = rows["subject"].isin(["s1", "s2", "s3", "s4"])
    rows["prompt_template"] = np.where(few, "rare", "common")
    values = {value for pattern in find_patterns(rows) for value in pattern.labels.values()}
    assert not values & {"rare", "common"}


def test_sentiment_of_plain_sentences() -> None:
    texts = [
        "this is excellent, thank you!", "this works", "the report", "this does not work, it is broken",
        "it is not bad", "a terrible, useless answer", "good, but wrong",
    ]  # fmt: skip
    best, fine, none, broken, mild, worst, turned = sentiments(texts)
    assert best > fine > none == 0 > broken > worst
    assert mild > 0 > turned
    assert np.abs(sentiments(["awful " * 50, "great " * 50])).max() < 1
