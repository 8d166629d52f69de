"""BudgetService: what private releases may cost, and releases. Thin: privacy/budget does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from privacy.budget import ledger
from privacy.budget.ledger import Account, Budget, Grant

if TYPE_CHECKING:
    from orchestration.platform import Platform
    from privacy.budget.archive import Release
    from privacy.budget.queries import Query

KEY_PURPOSE = "contribution-bounds"


@dataclass(frozen=True, slots=True)
class Wish:
    """A release that is asked for: counts or sums of a table by group, from the budget of its account.

    user, group, value: columns; groups: the public list, or None to select them, which costs delta; lower, upper: of a
    sum, by public knowledge; parts: it costs one of so many equal parts of the whole budget; data_version: which state
    of the table, for one answer per version.
    """

    account: Account
    user: str
    group: str
    parts: int
    data_version: str
    statistic: str = "users"
    value: str | None = None
    lower: int = 0
    upper: int = 0
    groups: tuple[str, ...] | None = None
    delta: float = 0.0


@dataclass(frozen=True, slots=True)
class BudgetService:
    """Budgets of one home. What a budget does not cover is refused before any noise is drawn."""

    platform: Platform

    def grant(self, wish: Grant) -> Budget:
        """Grant a budget, once. Raises a BudgetError for one that is there."""
        with self.platform.database.connect("privacy") as conn:
            return ledger.grant(conn, wish, now=self.platform.settings.now())

    def budgets(self) -> list[Budget]:
        """Every budget, what is spent of it and what remains."""
        with self.platform.database.connect("privacy") as conn:
            return ledger.budgets(conn)

    def history(self, dataset: str | None = None) -> list[ledger.Spend]:
        """Every spend, with what was released for it."""
        with self.platform.database.connect("privacy") as conn:
            return ledger.history(conn, dataset)

    def release(self, wish: Wish) -> tuple[Release, Budget]:
        """The noisy values, or what was recorded for the same wish; and the budget after it."""
        from privacy.budget.release import release
        from privacy.budget.sources import PostgresSource

        with self.platform.database.connect("privacy") as conn:
            query = _query(wish, ledger.budget_of(conn, wish.account))
            source = PostgresSource(conn, wish.account.dataset, query.columns)
            done = release(conn, source, query, key=self._key(), now=self.platform.settings.now())
            return done, ledger.budget_of(conn, wish.account)

    def publish(self, period: str, start: date, end: date, parts: int) -> tuple[Release, Budget]:
        """How many people of all companies use what in [start, end), noisy, for a mart; again it costs nothing."""
        from privacy.budget.shared_use import Span, publish

        with self.platform.database.connect("privacy") as conn:
            return publish(conn, period, Span(start, end), parts, key=self._key(), now=self.platform.settings.now())

    def _key(self) -> bytes:
        return self.platform.vault.purpose_key(KEY_PURPOSE)


def _query(wish: Wish, budget: Budget) -> Query:
    from privacy.budget.accounting import exact
    from privacy.budget.bounds import Choose
    from privacy.budget.queries import Query
    from privacy.budget.sources import Columns

    columns, bounds = Columns(wish.user, wish.group, wish.value), Choose(lower=wish.lower, upper=wish.upper)
    rho, delta = budget.share(wish.parts), exact(wish.delta, "delta")
    return Query(wish.account, wish.data_version, wish.statistic, columns, wish.groups, rho, delta, bounds)
