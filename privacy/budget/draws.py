"""A release that something else works out of noisy sums: the budget pays for so many draws, and no more are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import psycopg

from privacy.budget import archive, ledger
from privacy.budget.accounting import exact
from privacy.budget.archive import Release
from privacy.budget.errors import SpentDrawsError
from privacy.budget.ledger import Account, Cost
from privacy.budget.mechanisms import GAUSSIAN, Mechanism, Sensitivity, additive


@dataclass(frozen=True, slots=True)
class Plan:
    """What is released, for which account and rho, by how many draws of noise over sums that one person moves by at
    most `length` (Euclidean, whole units)."""

    account: Account
    what: str
    rho: Decimal
    n_draws: int
    length: int


@dataclass(slots=True)
class Draws:
    """Gaussian noise for so many sums. Every draw costs the same part of the rho."""

    mechanism: Mechanism
    left: int

    def __call__(self, sums: Sequence[int]) -> list[int]:
        """The sums with noise. Raises SpentDrawsError when all draws are used."""
        if self.left == 0:
            raise SpentDrawsError("noise was asked for more often than the budget paid for; nothing more was drawn")
        self.left -= 1
        return self.mechanism.draw(sums)


def release_computed(
    conn: psycopg.Connection, plan: Plan, compute: Callable[[Draws], Mapping[str, int]], *, digest: bytes, now: datetime
) -> Release:
    """What `compute` makes of noisy sums, or what was recorded under the same digest. conn: outside any transaction.

    `compute` must use the people's rows through sums that one person moves by at most plan.length, and in no other
    way. Raises UnknownBudgetError, BudgetExceededError (before anything is drawn), SpentDrawsError.
    """
    ledger.require_idle(conn, plan.account)
    with archive.alone(conn, digest):
        if recorded := archive.find(conn, digest):
            return recorded
        cost = Cost(exact(plan.rho, "rho"), Decimal(0))
        spend_id = ledger.reserve(conn, plan.account, cost, digest=digest, what=plan.what, now=now)
        mechanism = additive(GAUSSIAN, Sensitivity(1, plan.length), exact(plan.rho / plan.n_draws, "rho of a draw"))
        values = dict(compute(Draws(mechanism, plan.n_draws)))
        return archive.record(conn, Release(spend_id, values, facts(plan, mechanism), now), digest)


def facts(plan: Plan, mechanism: Mechanism) -> dict[str, object]:
    """What is recorded of such a release beside its values: nothing exact."""
    return {
        "what": plan.what,
        "mechanism": mechanism.name,
        "scale": mechanism.scale,
        "n_draws": plan.n_draws,
        "length": plan.length,
        "rho": str(plan.rho),
        "delta": "0",
    }
