"""How each kind of rule is said to Great Expectations: the class's name and its arguments. Judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from quality.suites import Rule


@dataclass(frozen=True, slots=True)
class Target:
    """One rule on one column of a batch; `other` is the shorter window of a pair, `sql` the query of a no_rows rule."""

    rule: Rule
    column: str | None
    other: str | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """An expectation class and how a target becomes its arguments.

    `observes_rows`: the observed value of its result is a number of rows, and nothing else about them.
    """

    expectation: str
    arguments: Callable[[Target], dict[str, Any]]
    observes_rows: bool = False


def _column(target: Target) -> dict[str, Any]:
    return {"column": target.column, **target.rule.parameters}


def _share(target: Target) -> dict[str, Any]:
    return {**_column(target), "mostly": target.rule.mostly}


def _pair(target: Target) -> dict[str, Any]:
    return {
        "column_A": target.column,
        "column_B": target.other,
        "or_equal": True,
        "ignore_row_if": "either_value_is_missing",
    }


KINDS: Mapping[str, Kind] = {
    "has_rows": Kind("ExpectTableRowCountToBeBetween", lambda _: {"min_value": 1}, observes_rows=True),
    "not_null": Kind("ExpectColumnValuesToNotBeNull", _share),
    "matches": Kind("ExpectColumnValuesToMatchRegex", _share),
    "in_set": Kind("ExpectColumnValuesToBeInSet", _share),
    "holds": Kind("ExpectColumnValuesToBeInSet", lambda target: {**_share(target), "value_set": [True]}),
    "within": Kind("ExpectColumnValuesToBeBetween", _share),
    "unique": Kind("ExpectCompoundColumnsToBeUnique", lambda target: {"column_list": str(target.column).split(",")}),
    "widens": Kind("ExpectColumnPairValuesAToBeGreaterThanB", _pair),
    "mean_within": Kind("ExpectColumnMeanToBeBetween", _column),
    "spread_within": Kind("ExpectColumnStdevToBeBetween", _column),
    "no_rows": Kind(
        "UnexpectedRowsExpectation", lambda target: {"unexpected_rows_query": target.sql}, observes_rows=True
    ),
}


def expectation(target: Target, place: int) -> Any:
    """The Great Expectations object of a target; `place` comes back in its result's meta."""
    kind = KINDS[target.rule.kind]
    made = getattr(import_module("great_expectations.expectations"), kind.expectation)
    return made(**kind.arguments(target), meta={"place": place})
