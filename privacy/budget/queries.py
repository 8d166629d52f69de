"""What somebody wants released, and the digest by which the same wish is recognised. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any

from privacy.budget.accounting import exact
from privacy.budget.bounds import STATISTICS, SUM, Bounds, Choose
from privacy.budget.errors import InvalidQueryError
from privacy.budget.ledger import Account, Cost
from privacy.budget.mechanisms import GAUSSIAN, LAPLACE
from privacy.budget.sources import Columns

# Below these OpenDP's arithmetic finds no noise or threshold, and it would say so only after the spend.
LEAST_COST, LEAST_SHARE = Decimal("1e-12"), Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Query:
    """A grouped statistic: `users` (distinct people), `rows`, or `sum` of whole units, per group.

    data_version: which state of the rows, like a snapshot's or partition's name; the same query over one version is
    released once. groups: the public list of groups, or None to let the release select the groups that many are in;
    then delta is the chance that it shows one it must not. rho: the whole cost, the choice of bounds included.
    """

    account: Account
    data_version: str
    statistic: str
    columns: Columns
    groups: tuple[str, ...] | None
    rho: Decimal
    delta: Decimal = Decimal(0)
    bounds: Bounds | Choose = field(default_factory=Choose)
    mechanism: str = GAUSSIAN

    def checked(self) -> Query:
        """This query in its normal form. Raises InvalidQueryError with what to change."""
        groups = None if self.groups is None else tuple(sorted(set(self.groups)))
        query = replace(self, groups=groups, rho=exact(self.rho, "rho"), delta=exact(self.delta, "delta"))
        _require_answerable(query)
        return query

    @property
    def cost(self) -> Cost:
        return Cost(self.rho, self.delta)

    @property
    def what(self) -> str:
        """The query in words."""
        where = "groups selected by the release" if self.groups is None else f"{len(self.groups)} public groups"
        of = f" of {self.columns.value}" if self.statistic == SUM else ""
        return f"{self.statistic}{of} by {self.columns.group} over {where}, data {self.data_version}"

    def digest(self) -> bytes:
        """SHA-256 over everything that makes this query another one than its neighbours."""
        facts = {
            "account": asdict(self.account),
            "columns": asdict(self.columns),
            "bounds": [type(self.bounds).__name__, self.bounds.as_dict()],
            "groups": self.groups,
            "numbers": [str(self.rho), str(self.delta)],
            "names": [self.data_version, self.statistic, self.mechanism],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).digest()


def _require_answerable(query: Query) -> None:
    for wrong, message in _objections(query):
        if wrong:
            raise InvalidQueryError(message)
    query.columns.of(query.statistic)
    if isinstance(query.bounds, Bounds):
        query.bounds.checked()


def _objections(query: Query) -> list[tuple[bool, str]]:
    private, choice = query.groups is None, query.bounds
    return [
        (query.statistic not in STATISTICS, f"a statistic is one of {', '.join(STATISTICS)}, not {query.statistic!r}"),
        (query.mechanism not in (GAUSSIAN, LAPLACE), f"there is no mechanism {query.mechanism!r}; use {GAUSSIAN}"),
        (query.columns.user == query.columns.group, "a release cannot be grouped by the person it must hide"),
        (query.rho < LEAST_COST, f"a release costs rho of at least {LEAST_COST}; see Budget.share"),
        (query.groups == (), "a release over public groups needs at least one group"),
        (private and query.statistic == SUM, "sums need public groups: release users first, then sum over its groups"),
        (private and query.mechanism == LAPLACE, f"groups are selected with {GAUSSIAN} noise only"),
        (private != (query.delta > 0), "delta is for a selection of groups: above 0 there, and 0 with public groups"),
        (
            query.statistic == SUM and choice.lower >= choice.upper,
            "a sum needs lower and upper from public knowledge: values outside are moved to the nearer one",
        ),
        (0 < query.delta < LEAST_COST, f"a selection of groups costs delta of at least {LEAST_COST}"),
        (
            isinstance(choice, Choose) and not LEAST_SHARE <= choice.share <= 1 - LEAST_SHARE,
            f"the share spent on bounds lies between {LEAST_SHARE} and {1 - LEAST_SHARE}",
        ),
        (
            isinstance(choice, Choose) and min(choice.most_groups, choice.most_rows) < 1,
            "nobody contributes to less than one group and one row; correct most_groups and most_rows",
        ),
    ]


def parts(query: Query) -> dict[str, Any]:
    """What a record of the release says about the query, apart from its account."""
    return {
        "statistic": query.statistic,
        "columns": asdict(query.columns),
        "data_version": query.data_version,
        "public_groups": query.groups is not None,
    }
