"""Purchases expected of each company: out of features.ftr_customer_purchases, into ml.lifetime_*. No mathematics.

A company is not a person. Its purchases count where the payers agreed to model training.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.lifetime_value import Fit, Floats, LifetimeFitError, Purchases, expected_purchases, fit, probability_alive

if TYPE_CHECKING:
    import psycopg

HORIZON_WEEKS = 52


def refit(conn: psycopg.Connection[Any], *, fitted_at: datetime) -> Fit:
    """Fit the model to the present features and store the fit and each company's expectation, in one transaction.

    A fit of the same cutoff is replaced. Raises LifetimeFitError where there are too few purchases; nothing is stored.
    """
    cutoff_on, companies, purchases, mean_amounts = fetch(conn)
    found = fit(purchases)
    alive = probability_alive(found.parameters, purchases)
    expected = expected_purchases(found.parameters, purchases, HORIZON_WEEKS)
    columns = (alive, expected, mean_amounts, expected * mean_amounts)
    write(conn, cutoff_on, found, companies, np.column_stack(columns), fitted_at)
    return found


def fetch(conn: psycopg.Connection[Any]) -> tuple[date, list[str], Purchases, Floats]:
    """The cutoff, the companies in order, their purchases in weeks, and the mean amount of each."""
    rows = conn.execute(
        "select cutoff_on, company, frequency, recency_weeks, age_weeks, mean_amount"
        " from features.ftr_customer_purchases order by company"
    ).fetchall()
    if not rows:
        raise LifetimeFitError("features.ftr_customer_purchases is empty: no payer agreed to model training")
    frequency, recency, age, mean_amounts = np.array([row[2:] for row in rows], dtype=np.float64).T
    return rows[0][0], [row[1] for row in rows], Purchases(frequency, recency, age), mean_amounts


def write(
    conn: psycopg.Connection[Any],
    cutoff_on: date,
    found: Fit,
    companies: list[str],
    figures: Floats,
    fitted_at: datetime,
) -> None:
    """Replace what is stored of the cutoff. figures (n, 4): alive, expected purchases, mean amount, expected value."""
    parameters = found.parameters
    with conn.transaction():
        conn.execute("delete from ml.lifetime_fits where cutoff_on = %s", [cutoff_on])
        conn.execute(
            "insert into ml.lifetime_fits (cutoff_on, r, alpha_weeks, a, b, log_likelihood, n_customers,"
            " horizon_weeks, fitted_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [cutoff_on, parameters.r, parameters.alpha, parameters.a, parameters.b, found.log_likelihood,
             found.n_customers, HORIZON_WEEKS, fitted_at],
        )  # fmt: skip
        statement = (
            "copy ml.lifetime_values (cutoff_on, company, probability_alive, expected_purchases, mean_amount,"
            " expected_value) from stdin"
        )
        with conn.cursor().copy(statement) as copy:
            for company, row in zip(companies, figures.tolist(), strict=True):
                copy.write_row((cutoff_on, company, *row))
    conn.commit()
