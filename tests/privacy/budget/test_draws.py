"""What is worked out of noisy sums is paid for first, gets no noise it did not pay for, and is drawn once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from privacy.budget.draws import Draws, Plan, release_computed
from privacy.budget.errors import BudgetExceededError, SpentDrawsError
from privacy.budget.ledger import Account, Budget, Grant, budget_of, grant, history
from warehouse.database import Database

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 2, tzinfo=UTC)
ACCOUNT = Account("ml.training_sets", "model_training", "2026-Q4")
LENGTH = 1000


@pytest.fixture
def granted(database: Database) -> Budget:
    with database.connect("privacy") as conn:
        return grant(conn, Grant(ACCOUNT, 3.0, 1e-6, "officer", "tests"), now=NOW)


def plan(rho: Decimal, n_draws: int = 4) -> Plan:
    return Plan(ACCOUNT, "weights", rho, n_draws, LENGTH)


def test_a_release_is_paid_for_drawn_once_and_found_again(database: Database, granted: Budget) -> None:
    def compute(noise: Draws) -> dict[str, int]:
        assert noise.mechanism.scale == pytest.approx(LENGTH / (2 * float(granted.share(2)) / 4) ** 0.5)
        return {f"w{at}": noise([0, 0])[0] for at in range(4)}

    with database.connect("privacy") as conn:
        first = release_computed(conn, plan(granted.share(2)), compute, digest=b"d" * 32, now=NOW)
        again = release_computed(conn, plan(granted.share(2)), refuse, digest=b"d" * 32, now=NOW)
        assert again.values == first.values
        assert budget_of(conn, ACCOUNT).n_spends == 1
        assert len(set(first.values.values())) > 1


def refuse(_: Draws) -> dict[str, int]:
    raise AssertionError("computed although nothing was to be drawn")


def test_what_the_budget_does_not_cover_is_never_computed(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(BudgetExceededError):
            release_computed(conn, plan(2 * granted.limit.rho), refuse, digest=b"e" * 32, now=NOW)
        assert budget_of(conn, ACCOUNT).n_spends == 0


def test_a_draw_too_many_is_refused_and_stays_paid(database: Database, granted: Budget) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(SpentDrawsError, match="more often than the budget paid for"):
            release_computed(
                conn, plan(granted.share(2)), lambda noise: {str(n): noise([0])[0] for n in range(5)},
                digest=b"f" * 32, now=NOW,
            )  # fmt: skip
        (spend,) = history(conn)
    assert (spend.what, spend.released_at) == ("weights", None)
