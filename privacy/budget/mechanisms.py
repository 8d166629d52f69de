"""Noise from OpenDP's discrete mechanisms, calibrated to a cost and checked against OpenDP's own privacy map.

Nothing here draws randomness itself, and nothing here knows tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from privacy.budget.accounting import opendp, pure_epsilon_of
from privacy.budget.errors import InvalidQueryError, UncalibratedNoiseError

GAUSSIAN, LAPLACE = "gaussian", "laplace"
NUDGES = 64  # doublings of the last bit while rounding keeps the privacy map above the cost


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far one person moves the answer: in how many cells, and each by at most `each` (whole units)."""

    cells: int
    each: int

    @property
    def l1(self) -> int:
        return self.cells * self.each

    @property
    def l2(self) -> float:
        # One root of a whole number is off by less than one unit in the last place: the next one up is no less.
        return math.nextafter(math.sqrt(self.cells * self.each**2), math.inf)


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A calibrated mechanism. scale: the standard deviation (gaussian) or its parameter b (laplace), in units."""

    name: str
    scale: float
    threshold: int | None
    _measurement: Any

    def draw(self, cells: Sequence[int]) -> list[int]:
        """The cells with noise, one draw each."""
        return [int(value) for value in self._measurement(list(cells))] if cells else []

    def draw_groups(self, cells: dict[str, int]) -> dict[str, int]:
        """The groups whose noisy value reaches the threshold, with that value."""
        return {str(group): int(value) for group, value in self._measurement(cells).items()}


def additive(name: str, sensitivity: Sensitivity, rho: Decimal) -> Mechanism:
    """Noise for cells that are public, at most rho-zCDP.

    Raises UncalibratedNoiseError when OpenDP's privacy map disagrees.
    """
    return _gaussian(sensitivity, rho) if name == GAUSSIAN else _laplace(sensitivity, rho)


def selective(sensitivity: Sensitivity, rho: Decimal, delta: Decimal) -> Mechanism:
    """Noise and a threshold for groups that are not public: approximate zCDP with (rho, delta).

    Stability-based selection, as in Rogers 2023 (arXiv 2309.09170): a group that only one person is in stays unseen
    but for a chance of delta. Raises UncalibratedNoiseError when OpenDP's privacy map disagrees.
    """
    dp = opendp()
    space = (
        dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T="i64")),
        dp.l02inf_distance(dp.absolute_distance(T="f64")),
    )
    scale = _gaussian(sensitivity, rho).scale
    distance = (sensitivity.cells, sensitivity.l2, float(sensitivity.each))

    def cost(threshold: int) -> tuple[Decimal, Decimal]:
        spent_rho, spent_delta = dp.m.make_gaussian_threshold(*space, scale=scale, threshold=threshold).map(distance)
        return Decimal(spent_rho), Decimal(spent_delta)

    threshold = _least(lambda wanted: cost(wanted)[1] <= delta, start=sensitivity.each)
    if cost(threshold)[0] > rho:
        raise UncalibratedNoiseError(f"OpenDP counts more than rho {rho} for a thresholded release; report this")
    measurement = dp.m.make_gaussian_threshold(*space, scale=scale, threshold=threshold)
    return Mechanism(GAUSSIAN, scale, threshold, measurement)


def _gaussian(sensitivity: Sensitivity, rho: Decimal) -> Mechanism:
    """The least Gaussian noise whose cost by OpenDP's map is at most rho."""
    dp = opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    scale = sensitivity.l2 / math.sqrt(2 * float(rho))
    for nudge in range(NUDGES):
        measurement = dp.m.make_gaussian(*space, scale=scale)
        if Decimal(measurement.map(sensitivity.l2)) <= rho:
            return Mechanism(GAUSSIAN, scale, None, measurement)
        scale *= 1 + 2.0 ** (nudge - 52)
    raise UncalibratedNoiseError(f"OpenDP counts more than rho {rho} for Gaussian noise of scale {scale}; report this")


def _laplace(sensitivity: Sensitivity, rho: Decimal) -> Mechanism:
    """The least Laplace noise whose epsilon by OpenDP's map costs at most rho (make_pureDP_to_zCDP)."""
    dp = opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    scale = sensitivity.l1 / pure_epsilon_of(rho)
    for nudge in range(NUDGES):
        measurement = dp.m.make_laplace(*space, scale=scale)
        if Decimal(dp.c.make_pureDP_to_zCDP(measurement).map(sensitivity.l1)) <= rho:
            return Mechanism(LAPLACE, scale, None, measurement)
        scale *= 1 + 2.0 ** (nudge - 52)
    raise UncalibratedNoiseError(f"OpenDP counts more than rho {rho} for Laplace noise of scale {scale}; report this")


def _least(fits: Callable[[int], bool], start: int) -> int:
    """The least whole number above start that fits, where larger ones fit too."""
    step = 1
    while not fits(start + step):
        step *= 2
        if step > 2**60:  # the next ones leave the 64 bits of a value
            raise InvalidQueryError("no threshold is high enough for this delta; spend more delta or more rho")
    low, high = start + step // 2, start + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
