"""The noise has the distribution that its privacy proof needs. Draws have no seed: OpenDP's randomness takes none.

Every statistical assertion here fails by chance with probability at most 1e-6 for correct noise (ALARM).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from scipy import stats

from privacy.budget.accounting import opendp
from privacy.budget.mechanisms import GAUSSIAN, LAPLACE, Mechanism, Sensitivity, additive, selective
from privacy.budget.queries import LEAST_COST, LEAST_SHARE

ALARM = 1e-6
REFUSED = 1e-8  # the chi-square approximation is rough that far out: a hundredfold margin keeps the promise
N = 40_000
RHO = Decimal("0.125")  # with one cell moved by one: a Gaussian of standard deviation 2, a Laplace of scale 2


def gaussian_weight(value: int, scale: float) -> float:
    return math.exp(-(value**2) / (2 * scale**2))  # Canonne, Kamath, Steinke 2020, definition 1


def laplace_weight(value: int, scale: float) -> float:
    return math.exp(-abs(value) / scale)


WEIGHTS: dict[str, Callable[[int, float], float]] = {GAUSSIAN: gaussian_weight, LAPLACE: laplace_weight}


def misfit(draws: Sequence[int], weight: Callable[[int, float], float], scale: float) -> float:
    """The p-value of Pearson's chi-square test over bins of at least 100 expected draws."""
    support = range(-40 * math.ceil(scale), 40 * math.ceil(scale) + 1)
    total = sum(weight(value, scale) for value in support)
    inner = [v for v in support if len(draws) * weight(v, scale) / total >= 100]
    chances = [weight(v, scale) / total for v in inner]
    found = Counter(draws)
    observed = [found[v] for v in inner]
    tails = len(draws) - sum(observed), 1 - sum(chances)
    statistic = sum(
        (o - len(draws) * p) ** 2 / (len(draws) * p)
        for o, p in zip([*observed, tails[0]], [*chances, tails[1]], strict=True)
    )
    return float(stats.chi2.sf(statistic, len(inner)))


@pytest.mark.parametrize("name", WEIGHTS)
def test_noise_has_its_distribution(name: str) -> None:
    mechanism = additive(name, Sensitivity(1, 1), RHO)
    assert mechanism.scale == pytest.approx(2.0)
    draws = [value - 1_000 for value in mechanism.draw([1_000] * N)]
    assert misfit(draws, WEIGHTS[name], 2.0) > REFUSED
    # A lag-one correlation of independent draws is normal with deviation 1/sqrt(N).
    assert abs(stats.pearsonr(draws[:-1], draws[1:]).statistic) * math.sqrt(N) < stats.norm.isf(ALARM / 2)


@pytest.mark.parametrize("name", WEIGHTS)
def test_noise_that_is_a_tenth_too_small_is_caught(name: str) -> None:
    faulty = additive(name, Sensitivity(1, 1), RHO * Decimal("1.2346"))
    assert faulty.scale == pytest.approx(1.8, rel=1e-3)
    assert misfit(faulty.draw([0] * N), WEIGHTS[name], 2.0) < REFUSED


@pytest.mark.parametrize("sensitivity", [Sensitivity(1, 1), Sensitivity(60, 1), Sensitivity(7, 12_345)])
@pytest.mark.parametrize("rho", [Decimal("0.01748"), Decimal("1e-9"), Decimal(3)])
def test_opendp_counts_no_more_than_what_was_reserved(sensitivity: Sensitivity, rho: Decimal) -> None:
    dp = opendp()
    for name in WEIGHTS:
        mechanism = additive(name, sensitivity, rho)
        if name == GAUSSIAN:
            spent = mechanism._measurement.map(sensitivity.l2)
            least = math.sqrt(sensitivity.cells) * sensitivity.each / math.sqrt(2 * float(rho))
        else:
            spent = dp.c.make_pureDP_to_zCDP(mechanism._measurement).map(sensitivity.l1)
            least = sensitivity.l1 / math.sqrt(2 * float(rho))
        assert Decimal(spent) <= rho
        assert least <= mechanism.scale * (1 + 1e-15)
        assert mechanism.scale == pytest.approx(least, rel=1e-9)


def appearances(mechanism: Mechanism, n: int) -> int:
    """How often one of n groups that a single person alone is in shows up."""
    return len(mechanism.draw_groups({f"g{i}": 1 for i in range(n)}))


def test_a_group_of_one_person_shows_up_no_more_often_than_delta() -> None:
    delta, n = 1e-3, 40_000
    limit = stats.binom.isf(ALARM, n, delta)
    honest = selective(Sensitivity(1, 1), RHO, Decimal(str(delta)))
    assert appearances(honest, n) <= limit
    generous = selective(Sensitivity(1, 1), RHO, Decimal("0.01"))  # the fault: a threshold for ten times the delta
    assert appearances(generous, n) > limit


def test_the_least_cost_that_a_query_may_have_is_enough_for_noise_and_threshold() -> None:
    everywhere = Sensitivity(1_024, 1_024)
    assert selective(everywhere, LEAST_COST * LEAST_SHARE, LEAST_COST).threshold is not None
    assert additive(LAPLACE, everywhere, LEAST_COST * LEAST_SHARE).scale > 0


def test_groups_of_many_are_shown_and_a_smaller_delta_asks_for_more() -> None:
    low, high = (selective(Sensitivity(20, 1), Decimal("0.01"), Decimal(delta)) for delta in ("1e-5", "1e-9"))
    assert low.threshold is not None
    assert high.threshold is not None
    assert low.threshold < high.threshold
    shown = low.draw_groups({"crowd": 10 * low.threshold, "nobody": 0})
    assert set(shown) == {"crowd"}
