"""BG/NBD against the paper's figures, against brute-force integration, and in its table."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from ml import lifetime_values
from ml.lifetime_value import (
    LifetimeFitError,
    Parameters,
    Purchases,
    expected_purchases,
    fit,
    log_likelihoods,
    probability_alive,
)
from warehouse.database import Database

PUBLISHED = Parameters(r=0.243, alpha=4.414, a=0.793, b=2.426)


def one(frequency: float, recency: float, age: float) -> Purchases:
    """A single customer."""
    return Purchases(*(np.array([value], dtype=float) for value in (frequency, recency, age)))


def cdnow(folder: Path) -> Purchases:
    """The paper's 2,357 customers, in weeks."""
    rows = np.loadtxt(folder / "cdnow" / "cdnow_customers_summary.csv", delimiter=",", skiprows=1)
    return Purchases(*rows[:, 1:].T)


@pytest.mark.shared_data
def test_the_parameters_of_cdnow_are_the_published_ones(shared_data: Path) -> None:
    found = fit(cdnow(shared_data))
    p = found.parameters
    assert (round(p.r, 3), round(p.alpha, 3), round(p.a, 3), round(p.b, 3)) == (0.243, 4.414, 0.793, 2.426)
    assert round(found.log_likelihood, 1) == -9582.4
    assert found.n_customers == 2357


def integrated(p: Parameters, x: int, recency: float, age: float, horizon: float) -> tuple[float, float, float]:
    """Likelihood, probability alive and expected purchases of one customer, by quadrature of the definition."""
    nodes, weights = special.roots_genlaguerre(80, p.r - 1)
    rate, of_rate = (nodes / p.alpha)[:, None], (weights / special.gamma(p.r))[:, None]
    nodes, weights = special.roots_jacobi(80, p.b - 1, p.a - 1)
    leaving, of_leaving = (nodes + 1) / 2, weights / weights.sum()
    alive = of_rate * of_leaving * (1 - leaving) ** x * rate**x * np.exp(-rate * age)
    gone = of_rate * of_leaving * leaving * (1 - leaving) ** (x - 1) * rate**x * np.exp(-rate * recency)
    future = alive * (1 - np.exp(-rate * leaving * horizon)) / leaving
    likelihood = float((alive + gone).sum())
    return likelihood, float(alive.sum()) / likelihood, float(future.sum()) / likelihood


def test_formulas_equal_the_definition_integrated() -> None:
    parameters = Parameters(r=2.2, alpha=3.1, a=1.4, b=2.7)
    customer = one(3, 5, 9)
    likelihood, alive, future = integrated(parameters, 3, 5, 9, 4)
    assert np.exp(log_likelihoods(parameters, customer)[0]) == pytest.approx(likelihood, rel=1e-6)
    assert probability_alive(parameters, customer)[0] == pytest.approx(alive, rel=1e-6)
    assert expected_purchases(parameters, customer, 4)[0] == pytest.approx(future, rel=1e-6)


def test_the_papers_customers() -> None:
    assert expected_purchases(PUBLISHED, one(2, 30.43, 38.86), 39)[0] == pytest.approx(1.226, abs=5e-4)
    assert probability_alive(PUBLISHED, one(0, 0, 38.86))[0] == 1


def test_thousands_of_purchases_overflow_nothing() -> None:
    busy = one(5000, 52, 52)
    assert np.isfinite(log_likelihoods(PUBLISHED, busy)).all()
    assert 3000 < expected_purchases(PUBLISHED, busy, 52)[0] < 5000
    near_one = Parameters(0.243, 4.414, 1.0, 2.426)
    beside = Parameters(0.243, 4.414, 1.0001, 2.426)
    assert expected_purchases(near_one, busy, 9)[0] == pytest.approx(expected_purchases(beside, busy, 9)[0], rel=1e-3)


def population(n: int, seed: int) -> Purchases:
    """Customers with r 0.8, alpha 5, a 1.2 and b 3, seen for 20 to 60 weeks."""
    chance = np.random.default_rng(seed)
    rates, leaving, ages = chance.gamma(0.8, 1 / 5, n), chance.beta(1.2, 3, n), chance.uniform(20, 60, n)
    histories = [simulated(chance, *customer) for customer in zip(rates, leaving, ages, strict=True)]
    frequency, recency = np.array(histories, dtype=float).T
    return Purchases(frequency, recency, ages)


def test_simulated_customers_give_their_parameters_back() -> None:
    found = fit(population(4000, seed=3)).parameters
    assert (found.r, found.alpha) == pytest.approx((0.8, 5.0), rel=0.2)
    assert found.a / (found.a + found.b) == pytest.approx(1.2 / 4.2, abs=0.05)


def simulated(chance: np.random.Generator, rate: float, leaving: float, age: float) -> tuple[int, float]:
    """Frequency and recency of a customer of this rate, who may leave after every purchase."""
    count, last = 0, 0.0
    while (at := last + chance.exponential(1 / rate)) <= age:
        count, last = count + 1, at
        if chance.random() < leaving:
            break
    return count, last


@pytest.mark.parametrize(
    ("frequency", "message"), [(np.zeros(100), "100 customers"), (np.ones(5), "5 customers")], ids=["no repeat", "few"]
)
def test_too_little_is_refused(frequency: np.ndarray[tuple[int], np.dtype[np.float64]], message: str) -> None:
    ages = np.full(len(frequency), 9.0)
    with pytest.raises(LifetimeFitError, match=message):
        fit(Purchases(frequency, frequency, ages))


def test_a_history_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="recency <= age"):
        one(1, 10, 9)


@pytest.mark.integration
def test_fits_and_expectations_land_in_their_tables(database: Database) -> None:
    customers = population(300, seed=5)
    rows = np.column_stack([customers.frequency, customers.recency, customers.age]).tolist()
    with database.connect("dbt", autocommit=True) as conn:
        conn.execute(
            "create table features.ftr_customer_purchases (cutoff_on date default '2024-06-03', company text,"
            " frequency float8, recency_weeks float8, age_weeks float8, mean_amount float8 default 10)"
        )
        conn.cursor().executemany(
            "insert into features.ftr_customer_purchases (company, frequency, recency_weeks, age_weeks)"
            " values (%s, %s, %s, %s)",
            [(f"c{number}", *row) for number, row in enumerate(rows)],
        )
    at = datetime(2024, 6, 3, tzinfo=UTC)
    with database.connect("ml") as conn:
        for _ in range(2):
            found = lifetime_values.refit(conn, fitted_at=at)
        fits = conn.execute("select cutoff_on, n_customers, round(r::numeric, 6) from ml.lifetime_fits").fetchall()
        assert [row[:2] for row in fits] == [(date(2024, 6, 3), 300)]
        assert float(fits[0][2]) == pytest.approx(found.parameters.r, abs=1e-6)
        bounds = "min(probability_alive), max(probability_alive), min(expected_purchases)"
        count, low, high, least = conn.execute(f"select count(*), {bounds} from ml.lifetime_values").fetchone() or ()
        assert count == 300
        assert 0 < low < high <= 1
        assert least > 0
