"""Windows of a day, of features that move with the weekday and from day to day: what drift is measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_FEATURES = 20
N_DAYS = 28
SEED = 20190521


@dataclass(frozen=True, slots=True)
class Season:
    """How the features of one replay move: by weekday (7, features), and from day to day by a deviation (features,)."""

    weekday: Floats
    daily: Floats


def season(generator: np.random.Generator) -> Season:
    """Weekends differ by up to 0.3 standard deviations, days by up to 0.1; a quarter of the features stand still."""
    size = np.where(np.arange(N_FEATURES) % 4 == 0, 0.0, generator.uniform(0, 1, N_FEATURES))
    weekend = np.array([0, 0, 0, 0, 0, 1.0, 0.7])[:, None]
    return Season(0.3 * weekend * size * generator.choice([-1, 1], N_FEATURES), 0.1 * size)


def day_means(season_: Season, days: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """The mean of every feature on every day, (days, features), in standard deviations."""
    return season_.weekday[days % 7] + generator.normal(size=(len(days), N_FEATURES)) * season_.daily


def bin_shares(means: Floats, edges: Floats) -> Floats:
    """The share of a normal feature of unit deviation in each bin, by its mean: (..., bins)."""
    from scipy.stats import norm

    below = norm.cdf(edges - means[..., None])
    padded = np.concatenate([np.zeros((*means.shape, 1)), below, np.ones((*means.shape, 1))], axis=-1)
    return np.diff(padded, axis=-1)


def rows_of_replay(n_rows: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Reference and current rows of an A/A replay, for a peer that wants rows."""
    start = int(generator.integers(7))
    means = day_means(season(generator), np.arange(start, start + N_DAYS + 1), generator)
    rows = generator.normal(size=(N_DAYS + 1, n_rows, N_FEATURES)) + means[:, None, :]
    return rows[:-1].reshape(-1, N_FEATURES), rows[-1]
