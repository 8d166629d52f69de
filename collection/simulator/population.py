"""Companies, users, and the weekly life of each user: health, activity and the hazard of leaving. No events here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collection.simulator.specification import SimulationSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SEGMENTS = ("startup", "smb", "enterprise")
INDUSTRIES = ("software", "retail", "health", "logistics", "media", "education")
_SEATS = np.array([8, 30, 160])


@dataclass(frozen=True, slots=True)
class Population:
    """One entry per user (U) unless said otherwise; W weeks.

    weekly_rate [U, W] is the relative intensity of sessions; hazard [U, W] the chance to leave in that week.
    joined_week is negative for users who were there before the log; left_week is W for users who stay.
    """

    company: Ints  # [U]
    role: Ints  # [U]
    tz_hours: Ints  # [U]
    breadth: Floats  # [U] 0..1
    error_rate: Floats  # [U]
    satisfaction: Floats  # [U]
    joined_week: Ints  # [U]
    left_week: Ints  # [U]
    weekly_rate: Floats  # [U, W]
    hazard: Floats  # [U, W]
    is_fraud: Flags  # [U]
    is_canary: Flags  # [U]
    company_segment: Ints  # [C]
    company_industry: Ints  # [C]
    company_seats: Ints  # [C]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.company)


def make_population(spec: SimulationSpec, rng: np.random.Generator) -> Population:
    """Draw companies and users and let them live through the weeks of the log."""
    n, weeks = spec.users, -(-spec.n_days // 7)
    n_companies = max(3, n // 12)
    segment = np.searchsorted([0.5, 0.85], rng.random(n_companies))
    seats = np.maximum(3, (_SEATS[segment] * np.exp(0.4 * rng.standard_normal(n_companies))).astype(np.int64))
    company = np.searchsorted(np.cumsum(seats) / seats.sum(), rng.random(n))
    is_canary = np.arange(n) >= n - spec.n_canaries
    joined = np.where(rng.random(n) < 0.4, -1, (rng.random(n) * (weeks - 1)).astype(np.int64))
    joined[is_canary] = -1
    n_fraud = max(1, round(spec.fraud_share * n)) if spec.fraud_share else 0
    traits = _Traits(
        breadth=rng.random(n) ** 0.8,
        error_rate=0.01 + 0.09 * rng.random(n) ** 2,
        satisfaction=rng.standard_normal(n),
        base=np.exp(0.85 * rng.standard_normal(n)) * np.array([1.0, 1.0, 1.15])[segment[company]] + 1.2,
    )
    rate, hazard, left = _live(spec, traits, joined, is_canary, rng)
    return Population(
        company=company,
        role=(rng.random(n) * 5).astype(np.int64),
        tz_hours=(rng.random(n) * 14).astype(np.int64) - 8,
        breadth=traits.breadth,
        error_rate=traits.error_rate,
        satisfaction=traits.satisfaction,
        joined_week=joined,
        left_week=left,
        weekly_rate=rate,
        hazard=hazard,
        is_fraud=(np.arange(n) < n_fraud) & ~is_canary,
        is_canary=is_canary,
        company_segment=segment,
        company_industry=(rng.random(n_companies) * len(INDUSTRIES)).astype(np.int64),
        company_seats=seats,
    )


@dataclass(frozen=True, slots=True)
class _Traits:
    breadth: Floats
    error_rate: Floats
    satisfaction: Floats
    base: Floats


def _live(
    spec: SimulationSpec, traits: _Traits, joined: Ints, stays: Flags, rng: np.random.Generator
) -> tuple[Floats, Floats, Ints]:
    """Walk the weeks: health drifts, activity follows it, and the hazard of leaving rises as it falls."""
    n, weeks = len(joined), -(-spec.n_days // 7)
    pull = 1.3 * (traits.breadth - 0.5) - 12.0 * (traits.error_rate - 0.04) + 0.4 * traits.satisfaction
    health = pull + 0.4 * rng.standard_normal(n)
    rate, hazard = np.zeros((n, weeks)), np.zeros((n, weeks))
    left = np.full(n, weeks)
    is_fading = np.zeros(n, bool)
    for week in range(weeks):
        is_fading |= rng.random(n) < 1 / (1 + np.exp(5.0 + 2.8 * pull - spec.churn_level))
        is_fading &= ~stays
        health = 0.85 * health + 0.15 * pull + 0.2 * rng.standard_normal(n) - 0.4 * is_fading
        health = np.clip(health, -3.5, 1.5)
        is_here = (joined <= week) & (left > week)
        hazard[:, week] = np.where(is_here, 1 / (1 + np.exp(6.3 + 2.2 * health - spec.churn_level)), 0.0)
        rate[:, week] = np.where(is_here, traits.base * np.exp(0.75 * health), 0.0)
        goes = is_here & (rng.random(n) < hazard[:, week]) & ~stays
        left[goes] = week + 1
    return rate, hazard, left
