"""The budget ledger: what may be spent per dataset, purpose and period, and what was. PostgreSQL holds the limit.

A spend is committed before any noise is drawn and is never taken back: who dies in between has spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import psycopg
from psycopg.pq import TransactionStatus

from privacy.budget.accounting import epsilon_of, exact, rho_of
from privacy.budget.errors import (
    BudgetExceededError,
    BudgetExistsError,
    InvalidGrantError,
    InvalidQueryError,
    OpenTransactionError,
    UnknownBudgetError,
)

EXCEEDED = "LB001"  # raised by privacy.check_budget, migration 0010


@dataclass(frozen=True, slots=True)
class Account:
    """What a budget belongs to: one dataset, used for one purpose, in one period (a name like 2026-Q4)."""

    dataset: str
    purpose: str
    period: str

    def __str__(self) -> str:
        return f"dataset {self.dataset}, purpose {self.purpose}, period {self.period}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one release takes: rho, and the delta of a private group selection. To 18 places."""

    rho: Decimal
    delta: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Grant:
    """A budget to be granted, by whom and why.

    selection_delta: the part of delta for releases whose groups are not public; the rest converts rho into epsilon.
    """

    account: Account
    epsilon: float
    delta: float
    granted_by: str
    reason: str
    selection_delta: float = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget and what is spent of it. epsilon and delta are what was promised; limit and spent are what adds up."""

    account: Account
    epsilon: float
    delta: float
    limit: Cost
    spent: Cost
    n_spends: int

    @property
    def remaining(self) -> Cost:
        return Cost(self.limit.rho - self.spent.rho, self.limit.delta - self.spent.delta)

    @property
    def epsilon_spent(self) -> float:
        """The epsilon that everything spent so far amounts to, at the delta kept for the conversion."""
        return epsilon_of(self.spent.rho, self.delta - float(self.limit.delta))

    def share(self, n: int) -> Decimal:
        """The rho of one of n equal parts of the whole budget. Raises InvalidQueryError for n below 1."""
        if n < 1:
            raise InvalidQueryError(f"a budget has 1 or more parts, not {n}")
        return exact(self.limit.rho / n, "a share of a budget")


@dataclass(frozen=True, slots=True)
class Spend:
    """One line of the ledger. released_at is None when the release died after reserving."""

    spend_id: int
    account: Account
    what: str
    cost: Cost
    reserved_at: datetime
    released_at: datetime | None


def grant(conn: psycopg.Connection, wish: Grant, *, now: datetime) -> Budget:
    """Grant a budget once; it cannot be changed afterwards. Raises InvalidGrantError or BudgetExistsError."""
    _require_sensible(wish)
    limit = Cost(rho_of(wish.epsilon, wish.delta - wish.selection_delta), exact(wish.selection_delta, "delta"))
    if limit.rho <= 0:
        raise InvalidGrantError(f"epsilon {wish.epsilon} at delta {wish.delta} allows no release; grant a larger one")
    row = (*_key(wish.account), wish.epsilon, wish.delta, limit.rho, limit.delta, wish.granted_by, wish.reason, now)
    with conn.transaction():
        done = conn.execute(
            "insert into privacy.budgets (dataset, purpose, period, epsilon, delta, rho_limit, delta_limit, "
            "granted_by, reason, granted_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            row,
        )
        if done.rowcount == 0:
            raise BudgetExistsError(f"{wish.account} has a budget already and keeps it; grant one for another period")
    return Budget(wish.account, wish.epsilon, wish.delta, limit, Cost(Decimal(0)), 0)


def reserve(conn: psycopg.Connection, account: Account, cost: Cost, *, digest: bytes, what: str, now: datetime) -> int:
    """Spend from a budget and commit; returns the spend's id. Only after this may noise be drawn.

    Raises UnknownBudgetError, BudgetExceededError, or OpenTransactionError on a connection inside a transaction.
    """
    require_idle(conn, account)
    try:
        return _insert_spend(conn, (*_key(account), digest, what, cost.rho, cost.delta, now))
    except psycopg.errors.ForeignKeyViolation:
        raise _unknown(account) from None
    except psycopg.Error as error:
        if error.sqlstate != EXCEEDED:
            raise
    raise _exceeded(budget_of(conn, account), cost)


def require_idle(conn: psycopg.Connection, account: Account) -> None:
    """Refuse a connection inside a transaction: whoever rolls it back would have the answer and the budget."""
    if conn.info.transaction_status != TransactionStatus.IDLE:
        raise OpenTransactionError(
            f"a spend for {account} would depend on an open transaction; commit it, then release again"
        )


def budget_of(conn: psycopg.Connection, account: Account) -> Budget:
    """One budget. Raises UnknownBudgetError."""
    for budget in budgets(conn):
        if budget.account == account:
            return budget
    raise _unknown(account)


def budgets(conn: psycopg.Connection) -> list[Budget]:
    """Every budget with what is spent of it."""
    with conn.transaction():
        rows = conn.execute(
            "select dataset, purpose, period, epsilon, b.delta, rho_limit, delta_limit, coalesce(sum(s.rho), 0), "
            "coalesce(sum(s.delta), 0), count(s.spend_id) "
            "from privacy.budgets as b left join privacy.budget_spends as s using (dataset, purpose, period) "
            "group by dataset, purpose, period order by dataset, period, purpose"
        ).fetchall()
    return [Budget(Account(*r[:3]), r[3], r[4], Cost(r[5], r[6]), Cost(r[7], r[8]), r[9]) for r in rows]


def history(conn: psycopg.Connection, dataset: str | None = None) -> list[Spend]:
    """Every spend, oldest first; of one dataset when it is named."""
    with conn.transaction():
        rows = conn.execute(
            "select s.spend_id, dataset, purpose, period, what, rho, delta, reserved_at, released_at "
            "from privacy.budget_spends as s left join privacy.releases as r using (spend_id) "
            "where %(dataset)s::text is null or dataset = %(dataset)s order by s.spend_id",
            {"dataset": dataset},
        ).fetchall()
    return [Spend(r[0], Account(*r[1:4]), r[4], Cost(r[5], r[6]), *r[7:]) for r in rows]


def _key(account: Account) -> tuple[str, str, str]:
    return account.dataset, account.purpose, account.period


def _unknown(account: Account) -> UnknownBudgetError:
    return UnknownBudgetError(f"there is no budget for {account}; grant one with `lethe privacy budget grant`")


def _insert_spend(conn: psycopg.Connection, row: tuple[object, ...]) -> int:
    with conn.transaction():
        conn.execute("set transaction isolation level read committed")
        found = conn.execute(
            "insert into privacy.budget_spends (dataset, purpose, period, query_digest, what, rho, delta, "
            "reserved_at) values (%s, %s, %s, %s, %s, %s, %s, %s) returning spend_id",
            row,
        ).fetchall()
    return int(found[0][0])


def _exceeded(budget: Budget, cost: Cost) -> BudgetExceededError:
    left = budget.remaining
    selections = (
        ""
        if cost.delta <= left.delta
        else f", and delta {float(cost.delta):g} of the {float(left.delta):g} for selections"
    )
    return BudgetExceededError(
        f"the release needs rho {cost.rho:.6g} of the {left.rho:.6g} that remain{selections}: {budget.account}, "
        f"limit rho {budget.limit.rho:.6g} (epsilon {budget.epsilon:g} at delta {budget.delta:g}); nothing was drawn. "
        "Ask for less, use a recorded release, or have a budget granted for the next period"
    )


def _require_sensible(wish: Grant) -> None:
    if not all(text.strip() for text in (*_key(wish.account), wish.granted_by, wish.reason)):
        raise InvalidGrantError("a budget needs a dataset, a purpose, a period, who grants it, and why")
    if not 0 < wish.epsilon < 100 or not 0 < wish.delta < 1:
        raise InvalidGrantError("epsilon must lie between 0 and 100 and delta between 0 and 1")
    if not 0 <= wish.selection_delta < wish.delta:
        raise InvalidGrantError("the delta for group selections must be less than the whole delta")
