"""The promise itself, measured: with one person more or less, no attacker tells the releases apart better than allowed.

The attack is the best there is for this noise (Neyman and Pearson); the same test catches bounding that is switched off
and noise that is halved. Intervals are Clopper and Pearson's: a correct release fails with a chance of at most ALARM.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy import stats

from privacy.budget.accounting import opendp, pure_epsilon_of
from privacy.budget.bounds import ROWS, USERS, Bounds
from privacy.budget.mechanisms import GAUSSIAN, LAPLACE, Mechanism, additive
from privacy.budget.sources import ArrowSource, Columns

ALARM = 1e-6
N = 4_000
RHO = Decimal("0.5")
EPSILON = 1.0
GROUPS = [f"g{n}" for n in range(6)]
BOUND = Bounds(4, 3)
UNBOUNDED = Bounds(6, 300)
Cells = npt.NDArray[np.int64]


def neighbours(statistic: str, bound: Bounds) -> tuple[Cells, Cells]:
    """The exact cells without and with one person who is everywhere, 300 times."""
    rows = [(f"user-{n}", GROUPS[n % 6]) for n in range(200)]
    more = rows + [("eve", group) for group in GROUPS for _ in range(300)]
    return tuple(cells(data, statistic, bound) for data in (rows, more))  # type: ignore[return-value]


def cells(data: list[tuple[str, str]], statistic: str, bound: Bounds) -> Cells:
    who, what = zip(*data, strict=True)
    table = pa.table({"who": pa.array(who), "what": pa.array(what)})
    with ArrowSource(table, Columns("who", "what")).read(statistic, GROUPS) as reading:
        tally = reading.tally(bound, b"k" * 32)
    return np.array([tally.get(group, 0) for group in GROUPS])


def draws(mechanism: Mechanism, exact: Cells) -> Cells:
    """N independent releases of the cells, in rows."""
    return np.array(mechanism.draw(exact.tolist() * N)).reshape(N, len(exact))


def chances(seen: Any) -> tuple[float, float]:
    """The least and the largest chance of an event that was seen so often."""
    k = int(seen.sum())
    low = float(stats.beta.ppf(ALARM / 4, k, N - k + 1)) if k else 0.0
    high = float(stats.beta.isf(ALARM / 4, k + 1, N - k)) if k < N else 1.0
    return low, high


def gaussian_exposure(mechanism: Mechanism, without: Cells, with_one: Cells) -> float:
    """A delta that the releases exceed at EPSILON, whatever the luck."""
    shift = (with_one - without) / np.linalg.norm(with_one - without)
    size = float(np.linalg.norm(with_one - without))
    threshold = size / 2 + EPSILON * mechanism.scale**2 / size
    p0, p1 = (chances((draws(mechanism, e) - without) @ shift > threshold) for e in (without, with_one))
    return p1[0] - math.exp(EPSILON) * p0[1]


def laplace_exposure(mechanism: Mechanism, without: Cells, with_one: Cells) -> float:
    """An epsilon that the releases exceed, whatever the luck."""
    releases = (draws(mechanism, exact) for exact in (without, with_one))
    losses = ((abs(x - without) - abs(x - with_one)).sum(axis=1) / mechanism.scale for x in releases)
    p0, p1 = (chances(loss > 0.75 * EPSILON) for loss in losses)
    return math.log(max(p1[0], 1e-300) / p0[1])


def allowed_delta() -> float:
    dp = opendp()
    space = dp.atom_domain(T="f64", nan=False), dp.absolute_distance(T="f64")
    unit = dp.c.make_zCDP_to_approxDP(dp.m.make_gaussian(*space, scale=1 / math.sqrt(2 * float(RHO))))
    return float(unit.map(1.0).delta(EPSILON))


@pytest.mark.parametrize("statistic", [USERS, ROWS])
def test_gaussian_releases_of_neighbours_stay_within_epsilon_and_delta(statistic: str) -> None:
    honest = additive(GAUSSIAN, BOUND.sensitivity(statistic), RHO)
    assert gaussian_exposure(honest, *neighbours(statistic, BOUND)) <= allowed_delta()
    halved = additive(GAUSSIAN, BOUND.sensitivity(statistic), 4 * RHO)
    assert gaussian_exposure(halved, *neighbours(statistic, BOUND)) > allowed_delta()


def test_bounding_that_is_switched_off_is_caught_where_rows_count() -> None:
    honest = additive(GAUSSIAN, BOUND.sensitivity(ROWS), RHO)
    assert gaussian_exposure(honest, *neighbours(ROWS, UNBOUNDED)) > 0.9


def test_laplace_releases_of_neighbours_stay_within_epsilon() -> None:
    epsilon, bound = pure_epsilon_of(RHO), Bounds(1, 12)  # all in one cell: there the attack is at its sharpest
    honest, halved = (additive(LAPLACE, bound.sensitivity(ROWS), rho) for rho in (RHO, 4 * RHO))
    assert laplace_exposure(honest, *neighbours(ROWS, bound)) <= epsilon
    assert laplace_exposure(halved, *neighbours(ROWS, bound)) > epsilon
    assert laplace_exposure(honest, *neighbours(ROWS, UNBOUNDED)) > epsilon
