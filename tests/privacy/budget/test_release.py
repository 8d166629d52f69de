"""A release end to end in a real PostgreSQL: paid for first, drawn once, recorded without anything exact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from privacy.budget.archive import bounds_of
from privacy.budget.bounds import ROWS, SUM, USERS, Bounds, Choose
from privacy.budget.errors import BudgetExceededError, InvalidQueryError, OpenTransactionError
from privacy.budget.ledger import Account, Budget, Grant, budget_of, grant, history
from privacy.budget.mechanisms import LAPLACE
from privacy.budget.queries import Query
from privacy.budget.release import chosen_bounds, release
from privacy.budget.sources import ArrowSource, Columns, Groups, PostgresSource, Reading
from warehouse.arrow import copy_arrow
from warehouse.database import Database

NOW = datetime(2026, 11, 2, tzinfo=UTC)
ACCOUNT = Account("events", "analytics", "2026-Q4")
COLUMNS = Columns("who", "what", "cents")
KEY = b"k" * 32
SIZES = {"crowd": 400, "many": 200, "one": 1}
GROUPS = (*SIZES, "nobody")


def people() -> pa.Table:
    """Groups of 400, 200 and 1 people, each with three rows of 50 cents."""
    rows = [(f"{what}-{n}", what, 50) for what, size in SIZES.items() for n in range(size) for _ in range(3)]
    who, what, cents = zip(*rows, strict=True)
    return pa.table({"who": pa.array(who), "what": pa.array(what), "cents": pa.array(cents, pa.int64())})


@dataclass(frozen=True, slots=True)
class Untouchable:
    """A source that nobody may read."""

    columns: Columns

    def check(self, statistic: str) -> None:
        """Free: reads no row."""

    def read(self, statistic: str, groups: Groups) -> AbstractContextManager[Reading]:
        raise AssertionError(f"read too early: {statistic} of {groups}")


@pytest.fixture
def granted(database: Database) -> Budget:
    with database.connect("privacy") as conn:
        wish = Grant(ACCOUNT, 20.0, 1e-6, "officer", "tests", selection_delta=1e-7)
        return grant(conn, wish, now=NOW)


def query(budget: Budget, **changes: Any) -> Query:
    first = Query(ACCOUNT, "v1", USERS, COLUMNS, GROUPS, budget.share(4))
    return replace(first, **changes)


@pytest.mark.integration
def test_a_release_is_near_the_truth_and_drawn_once(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        first = release(conn, ArrowSource(people(), COLUMNS), query(granted), key=KEY, now=NOW)
        assert set(first.values) == set(GROUPS)
        # The scale varies with the bounds, which are drawn; 12 standard deviations are a false alarm below 1e-30.
        furthest = 12 * max(first.facts["scale"], 1)
        assert all(abs(first.values[group] - SIZES.get(group, 0)) <= furthest for group in GROUPS)
        again = release(conn, Untouchable(COLUMNS), query(granted, groups=GROUPS[::-1]), key=KEY, now=NOW)
        assert again == first
        assert budget_of(conn, ACCOUNT).n_spends == 1
        release(conn, ArrowSource(people(), COLUMNS), query(granted, data_version="v2"), key=KEY, now=NOW)
        assert [line.released_at for line in history(conn)] == [NOW, NOW]


@pytest.mark.integration
def test_what_is_recorded_holds_no_exact_figure(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        done = release(conn, ArrowSource(people(), COLUMNS), query(granted), key=KEY, now=NOW)
    assert set(done.facts) == {
        "statistic", "columns", "data_version", "public_groups",
        "bounds", "mechanism", "scale", "threshold", "rho", "rho_on_bounds", "delta",
    }  # fmt: skip
    assert done.facts["bounds"]["origin"] == "10% of rho on noisy histograms of contributions per person"
    assert Decimal(done.facts["rho_on_bounds"]) <= granted.share(4) / 10


@pytest.mark.integration
def test_overspending_is_refused_before_anything_is_read(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(BudgetExceededError, match="nothing was drawn"):
            release(conn, Untouchable(COLUMNS), query(granted, rho=granted.limit.rho * 2), key=KEY, now=NOW)
        assert budget_of(conn, ACCOUNT).n_spends == 0
        conn.execute("select 1")
        with pytest.raises(OpenTransactionError):
            release(conn, Untouchable(COLUMNS), query(granted), key=KEY, now=NOW)


@pytest.mark.integration
def test_a_release_that_fails_after_reserving_stays_spent(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(AssertionError, match="read too early"):
            release(conn, Untouchable(COLUMNS), query(granted), key=KEY, now=NOW)
        assert budget_of(conn, ACCOUNT).spent.rho == granted.share(4)
        release(conn, ArrowSource(people(), COLUMNS), query(granted), key=KEY, now=NOW)
        assert budget_of(conn, ACCOUNT).spent.rho == 2 * granted.share(4)


@pytest.mark.integration
def test_the_same_wish_of_many_at_once_is_paid_once(database: Database, granted: Budget) -> None:
    def wish(_: int) -> dict[str, int]:
        with database.connect("privacy") as conn:
            done = release(conn, ArrowSource(people(), COLUMNS), query(granted), key=KEY, now=NOW)
            return dict(done.values)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(wish, range(4)))
    assert answers == [answers[0]] * 4
    with database.connect("privacy") as conn:
        assert budget_of(conn, ACCOUNT).n_spends == 1


@pytest.mark.integration
def test_groups_that_are_not_public_are_selected_by_the_release(database: Database, granted: Budget) -> None:
    private = query(granted, groups=None, delta=Decimal("1e-8"))
    with database.connect("privacy") as conn:
        done = release(conn, ArrowSource(people(), COLUMNS), private, key=KEY, now=NOW)
        assert set(done.values) == {"crowd", "many"}  # "one" shows up with a chance of 1e-8
        assert budget_of(conn, ACCOUNT).spent.delta == Decimal("1e-8")


@pytest.mark.integration
def test_sums_rows_laplace_and_bounds_of_an_earlier_release(database: Database, granted: Budget) -> None:
    part = granted.share(5)
    with database.connect("privacy") as conn:
        conn.execute("create temp table people_rows (who text, what text, cents bigint)")
        copy_arrow(conn, "people_rows", people())
        conn.commit()
        source = PostgresSource(conn, "people_rows", COLUMNS)
        rows = release(conn, source, query(granted, rho=part, statistic=ROWS), key=KEY, now=NOW)
        # The bound on rows is the noisy bin of 3 or, with luck, one above; the crowd's 1,200 rows fit either way.
        assert abs(rows.values["crowd"] - 1_200) < 100
        earlier = replace(bounds_of(conn, rows.spend_id), lower=0, upper=100)
        assert earlier.origin == f"release {rows.spend_id}"
        total = query(granted, rho=part, statistic=SUM, bounds=earlier, mechanism=LAPLACE)
        sums = release(conn, source, total, key=KEY, now=NOW)
        assert abs(sums.values["crowd"] - 60_000) < 12_000
        with pytest.raises(InvalidQueryError, match="no release"):
            bounds_of(conn, 999)


def test_bounds_are_chosen_without_the_answer() -> None:
    spread = [(1, 3, 9_000), (40, 3, 900), (300, 9, 4)]
    wish = Query(ACCOUNT, "v1", ROWS, COLUMNS, tuple(f"g{n}" for n in range(1_000)), Decimal("0.1"))
    chosen = chosen_bounds(spread, wish, Choose(), Decimal("0.01"))
    assert 12 <= chosen.groups <= 46  # the few above are not worth the noise
    assert 3 <= chosen.rows <= 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"statistic": "median"}, "one of users, rows, sum"),
        ({"mechanism": "uniform"}, "no mechanism"),
        ({"rho": Decimal(0)}, "at least 1E-12"),
        ({"columns": Columns("who", "who")}, "cannot be grouped by the person"),
        ({"rho": Decimal("nan")}, "must be a number"),
        ({"groups": ()}, "at least one group"),
        ({"groups": None}, "delta is for a selection"),
        ({"delta": Decimal("1e-9")}, "delta is for a selection"),
        ({"groups": None, "delta": Decimal("1e-13")}, "costs delta of at least"),
        ({"groups": None, "delta": Decimal("1e-9"), "statistic": SUM}, "sums need public groups"),
        ({"groups": None, "delta": Decimal("1e-9"), "mechanism": LAPLACE}, "gaussian noise only"),
        ({"statistic": SUM}, "lower and upper"),
        ({"statistic": SUM, "columns": Columns("a", "b"), "bounds": Bounds(1, 1, 0, 9)}, "column of its values"),
        ({"bounds": Choose(share=Decimal(1))}, "between 0.001 and 0.999"),
        ({"bounds": Choose(most_groups=0)}, "most_groups"),
        ({"bounds": Bounds(0)}, "at least one group"),
    ],
)
def test_queries_without_a_meaning_are_refused(changes: dict[str, Any], message: str) -> None:
    wish = Query(ACCOUNT, "v1", USERS, COLUMNS, GROUPS, Decimal("0.1"))
    with pytest.raises(InvalidQueryError, match=message):
        replace(wish, **changes).checked()


@pytest.mark.integration
def test_a_committed_spend_survives_a_crash_of_the_server(database: Database) -> None:
    with database.connect("privacy") as conn:
        for setting in ("fsync", "synchronous_commit"):
            assert conn.execute(f"show {setting}".encode()).fetchone() == ("on",)
