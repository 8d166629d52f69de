"""The BG/NBD model of repeat purchases: fit, probability of being a customer still, expected purchases. No tables.

Fader, Hardie & Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005), 275-284. A customer buys at a
gamma-distributed rate (r, alpha) and leaves after any purchase with a beta-distributed probability (a, b).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_CUSTOMERS = 30
WORST_GRADIENT = 1e-4  # of the mean log-likelihood, by the logarithms of the parameters


class LifetimeFitError(Exception):
    """The purchases do not determine the model; the message says why."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """Customers' histories, each (n,), in one unit of time.

    frequency counts purchases after the first; recency is the time from the first to the last, age from the first to
    now. Raises ValueError where they contradict each other.
    """

    frequency: Floats
    recency: Floats
    age: Floats

    def __post_init__(self) -> None:
        if not (np.all(self.frequency >= 0) and np.all(self.recency >= 0) and np.all(self.recency <= self.age)):
            raise ValueError("needs 0 <= frequency and 0 <= recency <= age for every customer")


@dataclass(frozen=True, slots=True)
class Parameters:
    """r and alpha of the purchase rate (alpha in the unit of time), a and b of leaving; all above 0."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters of greatest likelihood, the log-likelihood there, and of how many customers."""

    parameters: Parameters
    log_likelihood: float
    n_customers: int


def fit(purchases: Purchases) -> Fit:
    """Maximum likelihood over the logarithms of the parameters, from one fixed start: same rows, same result.

    Raises LifetimeFitError for too few customers, no repeat purchase, or a likelihood without a maximum.
    """
    from scipy.optimize import minimize

    n = len(purchases.frequency)
    if n < FEWEST_CUSTOMERS or not np.any(purchases.frequency > 0):
        raise LifetimeFitError(f"{n} customers, some with repeat purchases, are too few; it takes {FEWEST_CUSTOMERS}")
    unit = float(purchases.age.max())
    scaled = Purchases(purchases.frequency, purchases.recency / unit, purchases.age / unit)

    def loss(logarithms: Floats) -> float:
        return -float(np.mean(log_likelihoods(Parameters(*np.exp(logarithms)), scaled)))

    found = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    if not np.all(np.isfinite(found.x)) or np.max(np.abs(found.jac)) > WORST_GRADIENT or np.max(np.abs(found.x)) > 20:
        raise LifetimeFitError(f"the likelihood of {n} customers has no clear maximum; wait for more history")
    r, alpha, a, b = np.exp(found.x)
    parameters = Parameters(float(r), float(alpha * unit), float(a), float(b))
    return Fit(parameters, float(np.sum(log_likelihoods(parameters, purchases))), n)


def log_likelihoods(parameters: Parameters, purchases: Purchases) -> Floats:
    """Log-likelihood of each customer (n,); equation 6 of the paper, its two ways added as logarithms."""
    from scipy.special import betaln, gammaln

    r, alpha, a, b = parameters.r, parameters.alpha, parameters.a, parameters.b
    x = purchases.frequency
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    alive = -(r + x) * np.log(alpha + purchases.age)
    return np.asarray(common + np.logaddexp(alive, alive + _log_odds_of_gone(parameters, purchases)))


def _log_odds_of_gone(parameters: Parameters, purchases: Purchases) -> Floats:
    """Logarithm of the odds that a customer has left (n,); minus infinity without a repeat purchase."""
    x = purchases.frequency
    waited = np.log(parameters.alpha + purchases.age) - np.log(parameters.alpha + purchases.recency)
    odds = np.log(parameters.a) - np.log(parameters.b + np.maximum(x, 1) - 1) + (parameters.r + x) * waited
    return np.where(x > 0, odds, -np.inf)


def probability_alive(parameters: Parameters, purchases: Purchases) -> Floats:
    """Probability that each customer still is one (n,); 1 without a repeat purchase, by the model's definition."""
    return np.exp(-np.logaddexp(0, _log_odds_of_gone(parameters, purchases)))


def expected_purchases(parameters: Parameters, purchases: Purchases, horizon: float) -> Floats:
    """Purchases expected of each customer (n,) in the `horizon` that follows, in the unit of time.

    Equation 10 of the paper after Euler's transformation of its hypergeometric function (Abramowitz & Stegun 1964,
    15.3.3), which stays finite for any number of purchases.
    """
    from scipy.special import hyp2f1

    r, alpha, b = parameters.r, parameters.alpha, parameters.b
    a = parameters.a if abs(parameters.a - 1) > 1e-6 else 1 + 1e-6  # a removable singularity
    x = purchases.frequency
    share = horizon / (alpha + purchases.age + horizon)
    series = (1 - share) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, share)
    if_alive = (a + b + x - 1) / (a - 1) * (1 - series)
    return np.asarray(if_alive * probability_alive(parameters, purchases))
