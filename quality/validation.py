"""Great Expectations, held at arm's length: batches and rules in, counts and booleans out, never a value.

Its results, exceptions and log lines can carry values of rows; only the numbers named in `counted` leave this module.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from quality.expectations import KINDS, Target, expectation

RESULT_FORMAT: Mapping[str, Any] = {"result_format": "BASIC", "partial_unexpected_count": 0}
NOISY_LOGGERS = ("great_expectations", "sqlalchemy")
ERROR_NAME = re.compile(r"\b(psycopg\.errors|psycopg2\.errors|sqlalchemy\.exc)\.([A-Z]\w+)|^([A-Z]\w+): ", re.MULTILINE)


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
    started = time.perf_counter()
    try:
        with _quiet(), _datasource(url) as source:
            return [outcome for number, batch in enumerate(batches) for outcome in _judge(source, batch, number)]
    except Exception as error:  # noqa: BLE001 - a server that cannot be asked has agreed to nothing
        return [outcome for batch in batches for outcome in _failed(batch, error, started)]


def counted(kind: str, success: bool, result: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """(rows judged, rows that break the rule) out of one GX result: the whitelist through which all evidence passes."""
    if KINDS[kind].observes_rows:
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
        return _failed(batch, error, started)
    seconds = time.perf_counter() - started
    return [_outcome(target, results.get(place), seconds) for place, target in enumerate(batch.targets)]


def _failed(batch: Batch, error: BaseException, started: float) -> list[Outcome]:
    seconds = time.perf_counter() - started
    return [Outcome(target, False, None, None, seconds, _cause(error)) for target in batch.targets]


def _results(source: Any, batch: Batch, number: int) -> dict[int, Any]:
    import great_expectations as gx
    from great_expectations.validator.v1_validator import Validator

    asset = source.add_query_asset(f"batch_{number}", query=batch.query.strip())
    rows = asset.add_batch_definition_whole_table("rows")
    expectations = [expectation(target, place) for place, target in enumerate(batch.targets)]
    suite = gx.ExpectationSuite(name=f"suite_{number}", expectations=expectations)
    # `Batch.validate` would copy the rows into a second temporary table first.
    results = Validator(rows, result_format=dict(RESULT_FORMAT)).validate_expectation_suite(suite)
    configured = [(result.expectation_config, result) for result in results.results]
    return {int(config.meta["place"]): result for config, result in configured if config and config.meta}


def _outcome(target: Target, result: Any | None, seconds: float) -> Outcome:
    if result is None:
        return Outcome(target, False, None, None, seconds, "MissingResultError")
    error = error_name(result.exception_info or {})
    if error:
        return Outcome(target, False, None, None, seconds, error)
    success = result.success is True
    return Outcome(target, success, *counted(target.rule.kind, success, result.result or {}), seconds)


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
    """The name, if that module has an exception of it."""
    found = getattr(import_module(module or "builtins"), name, None)
    return name if isinstance(found, type) and issubclass(found, BaseException) else None
