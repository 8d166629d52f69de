"""Bounds from noisy histograms: edges fixed beforehand, and the choice close to the best one."""

from __future__ import annotations

import itertools
import math
from functools import partial

import pytest

from privacy.budget.bounds import ROWS, SUM, USERS, Bounds, Histogram, binned, edges
from privacy.budget.errors import InvalidQueryError


@pytest.mark.parametrize("most", [1, 2, 3, 7, 64, 1000, 1024])
def test_edges_grow_from_one_to_the_most(most: int) -> None:
    found = edges(most)
    assert found[0] == 1
    assert found[-1] == most
    assert all(a < b <= math.ceil(1.5 * a) + 1 for a, b in itertools.pairwise(found))


def test_everybody_is_in_one_bin() -> None:
    assert binned({1: 5, 2: 4, 3: 3, 99: 2}, (1, 2, 4)) == [5, 4, 5]


def test_noise_in_empty_bins_counts_as_nobody() -> None:
    assert Histogram.of((1, 2, 4), (50, 19, -3), sd=10.0).people == (50.0, 0.0, 0.0)
    assert Histogram.of((1, 2, 4), (0, 0, 0), sd=10.0).quantile(0.9) == 4


def test_the_quantile_is_the_first_edge_that_holds_it() -> None:
    histogram = Histogram((1, 2, 4, 8), (50, 30, 15, 5))
    assert [histogram.quantile(q) for q in (0.5, 0.6, 0.95, 0.99)] == [1, 2, 4, 8]


def noise(scale: float, n_groups: int) -> float:
    return scale * math.sqrt(n_groups)


def test_the_chosen_bound_weighs_what_is_dropped_against_noise() -> None:
    histogram = Histogram(edges(256), tuple(100_000 / edge for edge in edges(256)))
    scales = (0.01, 5.0, 5_000.0)
    choices = [histogram.least_error(1_000, partial(noise, scale)) for scale in scales]
    assert choices[0] == 256
    assert choices[2] == 1
    assert 1 < choices[1] < 256
    assert histogram.dropped(256) == 0
    assert histogram.dropped(1) > histogram.dropped(16) > 0


def test_sensitivity_is_what_one_person_may_move() -> None:
    bound = Bounds(4, 3, -7, 5)
    assert [bound.sensitivity(s).each for s in (USERS, ROWS, SUM)] == [1, 3, 21]
    assert bound.sensitivity(SUM).l1 == 84
    assert bound.sensitivity(SUM).l2 == pytest.approx(42)


def test_public_bounds_need_a_reason() -> None:
    assert Bounds.public(3, reason="three plans exist").origin == "public: three plans exist"
    for wrong in ({"groups": 3, "reason": " "}, {"groups": 0, "reason": "x"}, {"groups": 1, "lower": 2, "reason": "x"}):
        with pytest.raises(InvalidQueryError):
            Bounds.public(**wrong)  # type: ignore[arg-type]
