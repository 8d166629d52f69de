"""One release from wish to recorded answer: reserve, commit, bound contributions, draw noise, record.

Nothing is drawn before the spend is committed, and nothing exact leaves this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import psycopg

from privacy.budget import archive, ledger
from privacy.budget.accounting import exact, pure_epsilon_of
from privacy.budget.archive import Release
from privacy.budget.bounds import QUANTILE, USERS, Bounds, Choose, Histogram, binned, edges
from privacy.budget.mechanisms import GAUSSIAN, LAPLACE, Mechanism, Sensitivity, additive, selective
from privacy.budget.queries import Query, parts
from privacy.budget.sources import Source

ONE_BIN = Sensitivity(1, 1)  # a person is in one bin of a histogram of people


@dataclass(frozen=True, slots=True)
class Answer:
    """Noisy values per group and how they came about."""

    values: dict[str, int]
    bounds: Bounds
    mechanism: Mechanism
    rho_on_bounds: Decimal


def release(conn: psycopg.Connection, source: Source, query: Query, *, key: bytes, now: datetime) -> Release:
    """Release a query, or return what was recorded for it. conn: the privacy role's, outside any transaction.

    key: 32 bytes that order the groups of a person who is in more than the bound allows. Raises InvalidQueryError,
    UnknownBudgetError, BudgetExceededError (before anything is read or drawn), OpenTransactionError or
    ContributionQueryError.
    """
    query = query.checked()
    ledger.require_idle(conn, query.account)
    source.check(query.statistic)
    digest = query.digest()
    with archive.alone(conn, digest):
        if recorded := archive.find(conn, digest):
            return recorded
        spend_id = ledger.reserve(conn, query.account, query.cost, digest=digest, what=query.what, now=now)
        result = answer(source, query, key)
        values = dict(sorted(result.values.items()))
        return archive.record(conn, Release(spend_id, values, facts(query, result), now), digest)


def answer(source: Source, query: Query, key: bytes) -> Answer:
    """Draw the noisy answer of a query whose cost is already spent."""
    choice, on_bounds = query.bounds, Decimal(0)
    with source.read(query.statistic, query.groups) as rows:
        if isinstance(choice, Choose):
            on_bounds = exact(query.rho * choice.share, "rho on bounds")
            bounds = chosen_bounds(rows.spread(), query, choice, on_bounds)
        else:
            bounds = choice
        tally = rows.tally(bounds, key)
    rho, sensitivity = query.rho - on_bounds, bounds.sensitivity(query.statistic)
    if query.groups is None:
        mechanism = selective(sensitivity, rho, query.delta)
        return Answer(mechanism.draw_groups(tally), bounds, mechanism, on_bounds)
    mechanism = additive(query.mechanism, sensitivity, rho)
    noisy = mechanism.draw([tally.get(group, 0) for group in query.groups])
    return Answer(dict(zip(query.groups, noisy, strict=True)), bounds, mechanism, on_bounds)


def chosen_bounds(spread: list[tuple[int, int, int]], query: Query, choice: Choose, rho: Decimal) -> Bounds:
    """Bounds from noisy histograms of groups per person and, for rows and sums, of a person's most rows in one group.

    spread: Reading.spread's. Public groups: the bound with the least expected error; otherwise the bound that 95 % of
    the people stay within.
    """
    part = exact(rho / (1 if query.statistic == USERS else 2), "rho of a histogram")
    most_groups = choice.most_groups if query.groups is None else min(choice.most_groups, len(query.groups))
    per_person = noisy_histogram(_people(spread, 0), most_groups, part)
    if query.groups is None:
        n_groups = per_person.quantile(QUANTILE)
    else:
        n_groups = per_person.least_error(len(query.groups), _noise_sd(query.mechanism, query.rho - rho))
    n_rows = 1
    if query.statistic != USERS:
        n_rows = noisy_histogram(_people(spread, 1), choice.most_rows, part).quantile(QUANTILE)
    origin = f"{choice.share:%} of rho on noisy histograms of contributions per person"
    return Bounds(n_groups, n_rows, choice.lower, choice.upper, origin).checked()


def noisy_histogram(contributions: dict[int, int], most: int, rho: Decimal) -> Histogram:
    """People per bin of contributions, with Gaussian noise that costs rho."""
    limits = edges(most)
    mechanism = additive(GAUSSIAN, ONE_BIN, rho)
    return Histogram.of(limits, mechanism.draw(binned(contributions, limits)), mechanism.scale)


def facts(query: Query, result: Answer) -> dict[str, object]:
    """What is recorded of a release beside its values: nothing exact."""
    return parts(query) | {
        "bounds": result.bounds.as_dict(),
        "mechanism": result.mechanism.name,
        "scale": result.mechanism.scale,
        "threshold": result.mechanism.threshold,
        "rho": str(query.rho),
        "rho_on_bounds": str(result.rho_on_bounds),
        "delta": str(query.delta),
    }


def _people(spread: list[tuple[int, int, int]], position: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for line in spread:
        found[line[position]] = found.get(line[position], 0) + line[2]
    return found


def _noise_sd(mechanism: str, rho: Decimal) -> Callable[[int], float]:
    """Standard deviation of a cell's noise by the number of groups that a person may be in, in contributions."""
    if mechanism == LAPLACE:
        return lambda n_groups: math.sqrt(2) * n_groups / pure_epsilon_of(rho)
    return lambda n_groups: math.sqrt(n_groups / (2 * float(rho)))
