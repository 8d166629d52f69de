"""rho into epsilon and back, against formulas from the papers written down once more."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from scipy import stats

from privacy.budget.accounting import PLACES, epsilon_of, exact, pure_epsilon_of, rho_of
from privacy.budget.errors import InvalidQueryError


@pytest.mark.parametrize("rho", ["0.001", "0.02", "0.5", "3"])
@pytest.mark.parametrize("delta", [1e-9, 1e-6, 1e-3])
def test_the_conversion_lies_between_what_is_proven_and_what_is_possible(rho: str, delta: float) -> None:
    found, number = epsilon_of(Decimal(rho), delta), float(rho)
    loose = number + 2 * math.sqrt(number * math.log(1 / delta))  # Bun and Steinke 2016, proposition 1.3
    # A single Gaussian release has this rho, and its exact delta (Balle and Wang 2018, theorem 8) is a lower limit.
    mu = math.sqrt(2 * number)
    gaussian = stats.norm.cdf(mu / 2 - found / mu) - math.exp(found) * stats.norm.cdf(-mu / 2 - found / mu)
    assert found <= loose
    assert gaussian <= delta


@pytest.mark.parametrize("epsilon", [0.05, 1.0, 8.0])
def test_a_limit_allows_the_most_rho_that_keeps_it(epsilon: float) -> None:
    rho = rho_of(epsilon, 1e-6)
    assert epsilon_of(rho, 1e-6) <= epsilon < epsilon_of(rho * Decimal("1.000001"), 1e-6)


def test_nothing_spent_is_nothing_lost() -> None:
    assert epsilon_of(Decimal(0), 1e-6) == 0
    assert pure_epsilon_of(Decimal("0.5")) == 1


def test_costs_are_rounded_to_the_ledgers_places_downwards() -> None:
    assert exact(1 / 3, "rho") == Decimal("0.333333333333333300")
    assert exact(Decimal("0.0199999999999999999"), "rho") == Decimal("0.02") - PLACES
    for wrong in ("nan", "inf", -1):
        with pytest.raises(InvalidQueryError, match="rho must be a number"):
            exact(wrong, "rho")
