"""Zero-concentrated differential privacy in numbers: rho as the ledger adds it up, (epsilon, delta) as people say it.

Bun and Steinke 2016 (arXiv 1605.02065): rho composes by addition. The conversion is OpenDP's.
"""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

from privacy.budget.errors import InvalidQueryError

PLACES = Decimal(1).scaleb(-18)  # the ledger's numeric(30, 18): sums are exact, ten tenths are one
ROUNDING = 2.0**-50  # more than the error of three floating-point operations: rho is never understated
STEPS = 60  # halvings of the search for rho; the answer is the lower end, so more steps only waste less


def opendp() -> Any:
    """OpenDP with its proven mechanisms enabled; importing it takes seconds."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    return dp


def exact(value: Decimal | float | str, what: str) -> Decimal:
    """A cost as the ledger keeps it, rounded down to 18 places; noise is calibrated to the rounded cost.

    Raises InvalidQueryError for what is no positive number.
    """
    number = Decimal(str(value))
    if not number.is_finite() or number < 0:
        raise InvalidQueryError(f"{what} must be a number that is not negative, not {value}")
    return number.quantize(PLACES, ROUND_FLOOR)


@lru_cache(maxsize=256)
def epsilon_of(rho: Decimal, delta: float) -> float:
    """The epsilon that rho-zCDP amounts to at a delta."""
    if rho <= 0:
        return 0.0
    dp = opendp()
    space = dp.atom_domain(T="f64", nan=False), dp.absolute_distance(T="f64")
    scale = (1 - ROUNDING) / math.sqrt(2 * float(rho))
    unit = dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale=scale))
    return float(unit.map(1.0).epsilon(delta))


@lru_cache(maxsize=64)
def rho_of(epsilon: float, delta: float) -> Decimal:
    """The largest rho, to 18 places, that stays within epsilon at a delta. delta counts in full for the conversion."""
    # Pure epsilon-DP needs at least rho = epsilon^2 / 2 and (epsilon, delta) allows less than epsilon itself.
    low, high = Decimal(0), Decimal(str(epsilon))
    for _ in range(STEPS):
        middle = (low + high) / 2
        if epsilon_of(middle, delta) <= epsilon:
            low = middle
        else:
            high = middle
    return low.quantize(PLACES, ROUND_FLOOR)


def pure_epsilon_of(rho: Decimal) -> float:
    """The epsilon of a pure mechanism that costs rho: rho = epsilon^2 / 2 (Bun and Steinke, proposition 1.4)."""
    return math.sqrt(2 * float(rho))
