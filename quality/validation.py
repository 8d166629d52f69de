"""Great Expectations, held at arm's length: batches and rules in, counts and booleans out, never a value.

Its results, exceptions and log lines can carry values of rows; only the numbers named in `counted` leave this module.
"""

from __future__ import annotations

import builtins
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from quality.suites import Rule

RESULT_FORMAT: Mapping[str, Any] = {"result_format": "BASIC", "partial_unexpected_count": 0}
OBSERVED_COUNTS = frozenset({"has_rows", "no_rows"})  # kinds whose observed value is a number of rows
NOISY_LOGGERS = ("great_expectations", "sqlalchemy")
ERROR_NAME = re.compile(r"\b(psycopg\.errors|psycopg2\.errors|sqlalchemy\.exc)\.([A-Z]\w+)|^([A-Z]\w+): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Target:
    """One rule on one column of a batch; `other` is the shorter window of a pair, `sql` the query of a no_rows rule."""

    rule: Rule
    column: str | None
    other: str | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one table to judge (an SQL query) and what to judge in them."""

    table: str
    query: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one target came to. `error` is the name of an exception type; then nothing was counted."""

    target: Target
    success: bool
    n_elements: int | None
    n_unexpected: int | None
    seconds: float
    error: str | None = None


def validate(url: str, batches: Sequence[Batch]) -> list[Outcome]:
    """Judge every batch. `seconds` of an outcome is the time its whole batch took: expectations share their queries.

    Never raises for what the data or the server does: a batch that cannot be read fails all its rules by name.
    """
    with _quiet(), _datasource(url) as source:
        return [outcome for number, batch in enumerate(batches) for outcome in _judge(source, batch, number)]


def counted(kind: str, success: bool, result: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """(rows judged, rows that break the rule) out of one GX result: the whitelist through which all evidence passes."""
    if kind in OBSERVED_COUNTS:
        observed = _whole(result.get("observed_value"))
        return (observed, int(not success)) if kind == "has_rows" else (None, observed)
    return _whole(result.get("element_count")), _whole(result.get("unexpected_count"))


def error_name(exception_info: Mapping[str, Any]) -> str | None:
    """The type of the exception inside a GX result, or None. The name is looked up, so no text of a row can pass."""
    infos = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    raised = [info for info in infos if isinstance(info, Mapping) and info.get("raised_exception")]
    if not raised:
        return None
    for text in (str(info.get(part)) for info in raised for part in ("exception_traceback", "exception_message")):
        for module, name, builtin in ERROR_NAME.findall(text):
            if known := _known_error(module, name or builtin):
                return known
    return "ExpectationError"


def _judge(source: Any, batch: Batch, number: int) -> list[Outcome]:
    started = time.perf_counter()
    try:
        results = _results(source, batch, number)
    except Exception as error:  # noqa: BLE001 - whatever broke, the gate stays shut and only the type is told
        seconds, name = time.perf_counter() - started, _cause(error)
        return [Outcome(target, False, None, None, seconds, name) for target in batch.targets]
    seconds = time.perf_counter() - started
    return [_outcome(target, results.get(place), seconds) for place, target in enumerate(batch.targets)]


def _results(source: Any, batch: Batch, number: int) -> dict[int, Any]:
    import great_expectations as gx

    asset = source.add_query_asset(f"batch_{number}", query=batch.query.strip())
    rows = asset.add_batch_definition_whole_table("rows").get_batch()
    expectations = [_expectation(target, place) for place, target in enumerate(batch.targets)]
    suite = gx.ExpectationSuite(name=f"suite_{number}", expectations=expectations)
    results = rows.validate(suite, result_format=dict(RESULT_FORMAT))
    return {int(result.expectation_config.meta["place"]): result for result in results.results}


def _outcome(target: Target, result: Any | None, seconds: float) -> Outcome:
    if result is None:
        return Outcome(target, False, None, None, seconds, "MissingResultError")
    error = error_name(result.exception_info or {})
    if error:
        return Outcome(target, False, None, None, seconds, error)
    success = result.success is True
    return Outcome(target, success, *counted(target.rule.kind, success, result.result or {}), seconds)


def _expectation(target: Target, place: int) -> Any:
    return KINDS[target.rule.kind](target, {"meta": {"place": place}})


def _has_rows(_: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.ExpectTableRowCountToBeBetween(min_value=1, **common)


def _not_null(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnValuesToNotBeNull(column=target.column, mostly=target.rule.mostly, **common)


def _matches(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    regex = target.rule.parameters["regex"]
    return gxe.ExpectColumnValuesToMatchRegex(column=target.column, regex=regex, mostly=target.rule.mostly, **common)


def _in_set(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    values = list(target.rule.parameters["value_set"])
    return gxe.ExpectColumnValuesToBeInSet(column=target.column, value_set=values, mostly=target.rule.mostly, **common)


def _holds(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnValuesToBeInSet(column=target.column, value_set=[True], mostly=target.rule.mostly, **common)


def _within(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    limits = {**target.rule.parameters, "mostly": target.rule.mostly}
    return gxe.ExpectColumnValuesToBeBetween(column=target.column, **limits, **common)


def _unique(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.ExpectCompoundColumnsToBeUnique(column_list=str(target.column).split(","), **common)


def _widens(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=target.column,
        column_B=target.other,
        or_equal=True,
        ignore_row_if="either_value_is_missing",
        **common,
    )


def _mean_within(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnMeanToBeBetween(column=target.column, **target.rule.parameters, **common)


def _spread_within(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnStdevToBeBetween(column=target.column, **target.rule.parameters, **common)


def _no_rows(target: Target, common: dict[str, Any]) -> Any:
    from great_expectations import expectations as gxe

    return gxe.UnexpectedRowsExpectation(unexpected_rows_query=target.sql, **common)


KINDS: Mapping[str, Callable[[Target, dict[str, Any]], Any]] = {
    "has_rows": _has_rows,
    "not_null": _not_null,
    "matches": _matches,
    "in_set": _in_set,
    "holds": _holds,
    "within": _within,
    "unique": _unique,
    "widens": _widens,
    "mean_within": _mean_within,
    "spread_within": _spread_within,
    "no_rows": _no_rows,
}


@contextmanager
def _datasource(url: str) -> Iterator[Any]:
    """A PostgreSQL datasource in a context of its own that writes nothing to disk and sends nothing home."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    # "$" would be taken for a variable to substitute.
    source = context.data_sources.add_postgres(
        "warehouse", connection_string=url.replace("$", "%24"), create_temp_table=True
    )
    try:
        yield source
    finally:
        source.get_execution_engine().engine.dispose()
        source.get_engine().dispose()


@contextmanager
def _quiet() -> Iterator[None]:
    """Great Expectations and SQLAlchemy log statements and server messages, which quote rows: silenced meanwhile."""
    levels = {name: logging.getLogger(name).level for name in NOISY_LOGGERS}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return type(error).__name__


def _known_error(module: str, name: str) -> str | None:
    if module.startswith("psycopg"):
        import psycopg.errors as home
    elif module.startswith("sqlalchemy"):
        import sqlalchemy.exc as home  # type: ignore[no-redef]
    else:
        home = builtins  # type: ignore[assignment]
    found = getattr(home, name, None)
    return name if isinstance(found, type) and issubclass(found, BaseException) else None
