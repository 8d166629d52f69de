"""The ledger in a real PostgreSQL: it cannot be overspent, changed, or made to forget."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from privacy.budget.errors import (
    BudgetExceededError,
    BudgetExistsError,
    InvalidGrantError,
    OpenTransactionError,
    UnknownBudgetError,
)
from privacy.budget.ledger import Account, Budget, Cost, Grant, budget_of, budgets, grant, history, reserve
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 2, tzinfo=UTC)
ACCOUNT = Account("events", "analytics", "2026-Q4")
WISH = Grant(ACCOUNT, 1.0, 1e-6, "officer", "quarterly report", selection_delta=1e-7)
SPEND = "insert into privacy.budget_spends (dataset, purpose, period, query_digest, what, rho, delta, reserved_at) "
LOCKLESS = "pg_get_functiondef('privacy.check_budget'::regproc)"


@pytest.fixture
def granted(database: Database) -> Budget:
    with database.connect("privacy") as conn:
        return grant(conn, WISH, now=NOW)


def spend(conn: psycopg.Connection, rho: Decimal, delta: Decimal = Decimal(0)) -> int:
    return reserve(conn, ACCOUNT, Cost(rho, delta), digest=b"d", what="a count", now=NOW)


def test_a_budget_is_granted_once_and_spent_down_to_nothing(database: Database, granted: Budget) -> None:
    assert 0.024 < granted.limit.rho < 0.025
    with database.connect("privacy") as conn:
        for _ in range(10):
            spend(conn, granted.share(10))
        left = budget_of(conn, ACCOUNT).remaining.rho
        assert 0 <= left < Decimal("1e-16")
        with pytest.raises(
            BudgetExceededError, match=r"that remain: dataset events, purpose analytics, period 2026-Q4"
        ):
            spend(conn, granted.share(10))
        with pytest.raises(BudgetExistsError, match="another period"):
            grant(conn, WISH, now=NOW)
        assert budget_of(conn, ACCOUNT).epsilon_spent == pytest.approx(1.0, rel=1e-6)


def test_the_delta_of_selections_has_a_limit_of_its_own(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        spend(conn, granted.share(10), Decimal("1e-7"))
        with pytest.raises(BudgetExceededError, match=r"and delta 1e-07 of the 0 for selections"):
            spend(conn, granted.share(10), Decimal("1e-7"))
        spend(conn, granted.share(10))


def test_threads_that_race_spend_exactly_what_there_is(database: Database, granted: Budget) -> None:
    cost = granted.share(7)

    def race(_: int) -> bool:
        with database.connect("privacy") as conn:
            try:
                spend(conn, cost)
            except BudgetExceededError:
                return False
            return True

    with ThreadPoolExecutor(16) as pool:
        successes = sum(pool.map(race, range(32)))
    assert successes == int(granted.limit.rho / cost) == 7
    with database.connect("privacy") as conn:
        assert budget_of(conn, ACCOUNT).spent.rho == 7 * cost <= granted.limit.rho


def second_spend_waits(database: Database, cost: Decimal) -> bool:
    """Whether a spend waits while another one of the same budget is not committed yet."""
    values = (SPEND + "values ('events', 'analytics', '2026-Q4', 'd', 'w', %s, 0, now())").encode()
    with database.connect("privacy") as first, database.connect("privacy") as second:
        first.execute(values, (cost,))
        second.execute("set lock_timeout = '200ms'")
        try:
            second.execute(values, (cost,))
        except psycopg.errors.LockNotAvailable:
            return True
        finally:
            first.rollback()
            second.rollback()
    return False


def test_spends_of_one_budget_wait_for_each_other(database: Database, granted: Budget) -> None:
    assert second_spend_waits(database, granted.limit.rho)


def test_a_limit_without_its_lock_is_caught(database: Database, granted: Budget) -> None:
    with database.connect(ADMIN) as conn:
        found = conn.execute(f"select {LOCKLESS}".encode()).fetchone()
        assert found is not None
        faulty = str(found[0]).replace("for update", "")
        assert faulty != found[0]
        conn.execute(faulty.encode())
        # The reference to the budget takes a weaker lock, which two spends may hold together.
    assert not second_spend_waits(database, granted.limit.rho)


def test_who_writes_past_the_code_meets_the_same_limit(database: Database, granted: Budget) -> None:
    one = "('events', 'analytics', '2026-Q4', 'd', 'w', %(cost)s, 0, now())"
    for rows, cost in ((f"{one}, {one}", granted.limit.rho), (one, Decimal("NaN")), (one, Decimal(-1))):
        with database.connect("privacy") as conn, pytest.raises(psycopg.Error):
            conn.execute(f"{SPEND} values {rows}".encode(), {"cost": cost})
    with database.connect("privacy") as conn:
        conn.execute("set transaction isolation level repeatable read")
        with pytest.raises(psycopg.Error, match="read committed"):
            conn.execute(f"{SPEND} values {one}".encode(), {"cost": granted.share(2)})


@pytest.mark.parametrize("table", ["budgets", "budget_spends", "releases"])
def test_the_ledger_refuses_change(database: Database, granted: Budget, table: str) -> None:
    statements = (f"delete from privacy.{table}", f"truncate privacy.{table} cascade")
    with database.connect("privacy") as conn:
        spend(conn, granted.share(2))
    for stage, statement in ((s, t) for s in ("privacy", ADMIN) for t in statements):
        with database.connect(stage) as conn, pytest.raises(psycopg.Error, match=r"append-only|permission denied"):
            conn.execute(statement.encode())


def test_a_limit_cannot_be_raised_afterwards(database: Database, granted: Budget) -> None:
    assert granted.n_spends == 0
    for stage in ("privacy", ADMIN):
        with database.connect(stage) as conn, pytest.raises(psycopg.Error, match="append-only"):
            conn.execute("update privacy.budgets set rho_limit = 2 * rho_limit")


def _die_after_reserving(database: Database, rho: Decimal) -> None:
    with database.connect("privacy") as conn:
        spend(conn, rho)
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_after_reserving_has_spent(database: Database, granted: Budget) -> None:
    worker = multiprocessing.get_context("spawn").Process(
        target=_die_after_reserving, args=(database, granted.share(2))
    )
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    with database.connect("privacy") as conn:
        assert budget_of(conn, ACCOUNT).spent.rho == granted.share(2)
        assert [line.released_at for line in history(conn, "events")] == [None]
        assert history(conn, "other") == []


def test_a_spend_inside_a_transaction_is_refused(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        conn.execute("select 1")
        with pytest.raises(OpenTransactionError, match="commit"):
            spend(conn, granted.share(2))
        conn.rollback()
        assert budget_of(conn, ACCOUNT).n_spends == 0


def test_a_spend_without_a_budget_is_refused(database: Database) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(UnknownBudgetError, match="lethe privacy budget grant"):
            spend(conn, Decimal("0.01"))
        assert budgets(conn) == []


@pytest.mark.parametrize(
    "wish",
    [
        Grant(Account("", "analytics", "2026"), 1.0, 1e-6, "officer", "why"),
        Grant(ACCOUNT, 1.0, 1e-6, "officer", " "),
        Grant(ACCOUNT, float("nan"), 1e-6, "officer", "why"),
        Grant(ACCOUNT, 0.0, 1e-6, "officer", "why"),
        Grant(ACCOUNT, 1.0, 1.0, "officer", "why"),
        Grant(ACCOUNT, 1.0, 1e-6, "officer", "why", selection_delta=1e-6),
    ],
)
def test_budgets_that_make_no_sense_are_not_granted(database: Database, wish: Grant) -> None:
    with database.connect("privacy") as conn, pytest.raises(InvalidGrantError):
        grant(conn, wish, now=NOW)
