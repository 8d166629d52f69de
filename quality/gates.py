"""The gates: run a suite over a part of the data, keep the evidence, refuse with reasons. Fails closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

import psycopg

from quality import batches, suites
from quality.batches import Scope
from quality.expectations import Target
from quality.suites import Rule
from quality.validation import Batch, Outcome, validate

PARAMETERS = frozenset({"model_name", "model_version", "allow_empty", "fresh_days"})


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation on one column of one table: counts and a verdict.

    `threshold` is the share of judged rows that must obey; `seconds` the time of the whole table's batch;
    `error` the type of the exception that kept the check from being made.
    """

    name: str
    table: str
    expectation: str
    column: str | None
    dimension: str
    success: bool
    n_elements: int | None
    n_unexpected: int | None
    threshold: float
    seconds: float
    error: str | None = None

    @property
    def verdict(self) -> str:
        """By how much, in words: '12 of 300 rows break it (at most 5% may)'."""
        if self.error:
            return f"could not be checked ({self.error})"
        if self.expectation == "has_rows":
            return f"{self.n_elements} rows"
        if self.n_unexpected is None:
            return "holds" if self.success else "does not hold"
        of = "" if self.n_elements is None else f" of {self.n_elements}"
        allowed = "none may" if self.threshold == 1.0 else f"at most {1 - self.threshold:.0%} may"
        return f"{self.n_unexpected}{of} rows break it ({allowed})"


@dataclass(frozen=True, slots=True)
class GateResult:
    """The verdict of a gate and every check behind it."""

    gate: str
    passed: bool
    checks: tuple[CheckResult, ...]
    partition: tuple[date | None, date | None] = (None, None)

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.success)

    def require(self) -> None:
        """Raise GateRefused unless the gate passed."""
        if not self.passed:
            raise GateRefused(self)


class GateRefused(Exception):
    """A gate stays shut: `result` holds the failed checks; the text says which, by how much, and what to do."""

    def __init__(self, result: GateResult) -> None:
        self.result = result
        first, last = result.partition
        part = "all rows" if first is None else str(first) if first == last else f"{first} to {last}"
        lines = [f"- {check.name}: {check.verdict}" for check in result.failed]
        super().__init__(
            f"gate {result.gate} refuses {part}: {len(result.failed)} of {len(result.checks)} checks failed\n"
            + "\n".join(lines)
            + f"\nNothing below this gate was built. {_ADVICE[result.gate]}; "
            "the evidence is in quality.gate_results"
        )


class UnknownParameterError(ValueError):
    """A gate was given a parameter that it does not know, or misses one that it needs."""


_ADVICE = {
    suites.RAW_IN: "Correct the source or its mapping, import again, and run the gate again",
    suites.FEATURES_OUT: "Correct the dbt model that makes the column, build again, and run the gate again",
    suites.PREDICTIONS_OUT: "Keep the published predictions, correct or roll back the model, and predict again",
}


def run_gate(  # noqa: PLR0913 - everything that decides the verdict is said by the caller
    conn: psycopg.Connection,
    url: str,
    gate: str,
    *,
    partition: tuple[date, date] | None,
    days: Sequence[date] | None,
    run_key: str,
    now: datetime,
    parameters: Mapping[str, Any],
) -> GateResult:
    """Judge one suite and keep the evidence in one transaction on `conn` (role quality), which it commits.

    `days` wins over `partition` (both inclusive; event days for raw_in, cutoffs for features_out); neither means all.
    `url` is a SQLAlchemy URL of the same role: rows are read on it, so they must be committed before.
    Parameters: model_name and model_version (predictions_out, required), allow_empty (tables without rows pass),
    fresh_days. Raises UnknownSuiteError, UnknownParameterError; what the data does is in the result.
    """
    _check_parameters(gate, parameters)
    scope = Scope(partition, None if days is None else tuple(days), now, parameters)
    columns = feature_columns(conn) if gate == suites.FEATURES_OUT else ()
    outcomes = validate(url, plan(gate, scope, columns))
    result = conclude(gate, scope, outcomes)
    record(conn, result, run_key=run_key, now=now)
    return result


def plan(gate: str, scope: Scope, columns: Sequence[str]) -> list[Batch]:
    """The batches of a gate: a query and the expanded rules per table, in the registry's order."""
    rules = suites.rules_of(gate)
    queries = {
        suites.LOGS: lambda: batches.logs(scope),
        suites.DAYS: lambda: batches.event_days(scope),
        suites.FEATURES: lambda: batches.features(scope, columns),
        suites.LABELS: lambda: batches.labels(scope),
        suites.PREDICTIONS: lambda: batches.predictions(scope),
    }
    tables = dict.fromkeys(rule.table for rule in rules)
    return [
        Batch(table, queries[table](), tuple(t for r in rules if r.table == table for t in expand(r, scope, columns)))
        for table in tables
    ]


def expand(rule: Rule, scope: Scope, columns: Sequence[str]) -> list[Target]:
    """A rule's targets: itself, or one per column (or pair of windows) that its pattern meets."""
    if rule.kind == "no_rows":
        return [Target(rule, rule.column, sql=batches.query(rule.parameters["query"], scope).strip())]
    if rule.column is None or "*" not in rule.column:
        return [Target(rule, rule.column)]
    if rule.kind == "widens":
        pairs = batches.windows([c for c in columns if fnmatchcase(c, rule.column or "")])
        return [Target(rule, longer, other=shorter) for shorter, longer in pairs]
    known = [*columns, *(f"ok__{c}" for c in columns if c not in batches.NOT_FEATURES)]
    return [Target(rule, column) for column in known if fnmatchcase(column, rule.column)]


def conclude(gate: str, scope: Scope, outcomes: Sequence[Outcome]) -> GateResult:
    """The verdict: every check must hold; a table without rows passes only where it was declared allowed."""
    empty = {o.target.rule.table for o in outcomes if o.target.rule.kind == "has_rows" and o.n_elements == 0}
    excused = empty if scope.parameters.get("allow_empty") else set()
    checks = tuple(_check(outcome, outcome.target.rule.table in excused) for outcome in outcomes)
    return GateResult(gate, bool(checks) and all(check.success for check in checks), checks, scope.bounds)


def feature_columns(conn: psycopg.Connection) -> tuple[str, ...]:
    """Numeric and boolean columns of the feature table, as it is now: a new feature needs no change here."""
    schema, table = suites.FEATURES.split(".")
    rows = conn.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
        " and data_type in ('double precision', 'real', 'numeric', 'bigint', 'integer', 'smallint')"
        " order by ordinal_position",
        (schema, table),
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def record(conn: psycopg.Connection, result: GateResult, *, run_key: str, now: datetime) -> None:
    """Append the evidence, one row a check, in one transaction."""
    first, last = result.partition
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into quality.gate_results (gate, run_key, evaluated_at, partition_start, partition_end, table_name,"
            " expectation, column_name, dimension, success, n_elements, n_unexpected, threshold, seconds, name, error)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    result.gate,
                    run_key,
                    now,
                    first,
                    last,
                    c.table,
                    c.expectation,
                    c.column,
                    c.dimension,
                    c.success,
                    c.n_elements,
                    c.n_unexpected,
                    c.threshold,
                    c.seconds,
                    c.name,
                    c.error,
                )
                for c in result.checks
            ],
        )
    conn.commit()


def _check(outcome: Outcome, excused: bool) -> CheckResult:
    rule, target = outcome.target.rule, outcome.target
    column = target.column.removeprefix("ok__") if target.column else None
    subject = f"{column} over {target.other}" if target.other else column
    return CheckResult(
        name=" · ".join(part for part in (rule.table, subject, rule.says) if part),
        table=rule.table,
        expectation=rule.kind,
        column=column,
        dimension=rule.dimension,
        success=outcome.success or (excused and outcome.error is None),
        n_elements=outcome.n_elements,
        n_unexpected=outcome.n_unexpected,
        threshold=rule.mostly,
        seconds=outcome.seconds,
        error=outcome.error,
    )


def _check_parameters(gate: str, parameters: Mapping[str, Any]) -> None:
    needed = {"model_name", "model_version"} if gate == suites.PREDICTIONS_OUT else set()
    if unknown := sorted(set(parameters) - PARAMETERS):
        raise UnknownParameterError(f"gate {gate} knows no parameter {', '.join(unknown)}; remove it")
    if missing := sorted(needed - set(parameters)):
        raise UnknownParameterError(f"gate {gate} needs the parameter {', '.join(missing)}; pass it")
