"""Places by full ranking and what is made of them, against counting by hand and by force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import ranks


def place_by_force(scores: list[int], wanted: int, left_out: list[bool]) -> int:
    others = [at for at in range(len(scores)) if at != wanted and not left_out[at]]
    return 1 + sum(scores[at] >= scores[wanted] for at in others)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_places_are_those_of_counting_who_is_not_worse(data: st.DataObject) -> None:
    n_items = data.draw(st.integers(1, 6))
    rows = st.lists(st.lists(st.integers(0, 3), min_size=n_items, max_size=n_items), min_size=1, max_size=4)
    scores = data.draw(rows)
    left_out = [[data.draw(st.booleans()) for _ in row] for row in scores]
    wanted = [data.draw(st.integers(0, n_items - 1)) for _ in scores]
    found = ranks.places(np.array(scores, dtype=float), np.array(wanted), np.array(left_out))
    expected = [place_by_force(*row) for row in zip(scores, wanted, left_out, strict=True)]
    assert found.tolist() == expected


def test_a_model_that_says_the_same_of_all_items_is_right_about_none() -> None:
    equal = ranks.places(np.zeros((3, 10)), np.array([0, 4, 9]))
    assert equal.tolist() == [10, 10, 10]
    assert ranks.hits(equal, 5).sum() == 0


def test_what_no_model_knows_stands_behind_all_and_what_is_no_number_is_refused() -> None:
    assert ranks.places(np.array([[3.0, 2.0]]), np.array([-1])).tolist() == [3]
    with pytest.raises(ValueError, match="not a number"):
        ranks.places(np.array([[np.nan, 2.0]]), np.array([1]))


def test_measures_are_those_of_the_textbook() -> None:
    found = {name: values.tolist() for name, values in ranks.measures(np.array([1, 3, 11]), (1, 5)).items()}
    assert found == {
        "hr_1": [1, 0, 0],
        "hr_5": [1, 1, 0],
        "ndcg_5": [1, 1 / math.log2(4), 0],
        "mrr": [1, 1 / 3, 1 / 11],
    }
    assert ranks.coverage(np.array([[3.0, 2, 1], [3.0, 1, 2]]), 2) == 1
    assert ranks.coverage(np.array([[3.0, 2, 1], [3.0, 2, 1]]), 2) == pytest.approx(2 / 3)


def test_scikit_learn_has_the_same_ndcg() -> None:
    from sklearn.metrics import ndcg_score

    chance = np.random.default_rng(0)
    scores, wanted = chance.normal(size=(40, 20)), chance.integers(0, 20, 40)
    ours = ranks.gains(ranks.places(scores, wanted), 10).mean()
    assert ours == pytest.approx(ndcg_score(np.eye(20)[wanted], scores, k=10))


def test_the_interval_is_over_people_and_not_over_their_rows() -> None:
    places = np.repeat([1, 100], 500)
    of_two = np.repeat(["a", "b"], 500).astype(object)
    of_many = np.arange(1000).astype(object)
    wide, narrow = (ranks.figures(places, units)["hr_1"] for units in (of_two, of_many))
    assert wide.value == narrow.value == 0.5
    assert (wide.low, wide.high) == (0, 1)
    assert 0.46 < narrow.low < narrow.high < 0.54
