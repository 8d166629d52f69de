"""Gates as Dagster shows them: one asset check per rule of the suite, then the verdict. Judging is quality's."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import dagster as dg

from quality import suites

if TYPE_CHECKING:
    from orchestration.platform import Platform
    from quality.gates import CheckResult, GateResult


def check_name(rule: suites.Rule) -> str:
    """The Dagster name of a rule: table, column and kind in letters, digits and underscores."""
    return (
        re.sub(r"\W+", "_", f"{rule.column or 'table'}_{rule.says}_{rule.kind}_{rule.table}").strip("_").lower()[:120]
    )


def check_specs(gate: str, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """One blocking check per rule of the gate's suite."""
    return [
        dg.AssetCheckSpec(
            check_name(rule),
            asset=asset,
            blocking=True,
            description=f"{rule.table} · {rule.column or 'all columns'} · {rule.says} ({rule.dimension})",
        )
        for rule in suites.rules_of(gate)
    ]


def judge(
    platform: Platform,
    gate: str,
    *,
    run_key: str,
    days: list[date] | None = None,
    parameters: dict[str, Any] | None = None,
) -> GateResult:
    """Run a gate over these days (or cutoffs; None: all) and keep its evidence."""
    from orchestration import journaling
    from quality.gates import run_gate

    with platform.database.connect("quality") as conn:
        result = run_gate(
            conn,
            platform.database.url("quality", "psycopg"),
            gate,
            partition=None,
            days=days,
            run_key=run_key,
            now=platform.settings.now(),
            parameters=parameters or {},
        )
    journaling.validated(platform, result)
    return result


def report(result: GateResult, asset: dg.AssetKey) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """A check result per rule, then the gate's materialisation. A refused gate materialises nothing: it raises."""
    from quality.gates import GateRefused

    for rule in suites.rules_of(result.gate):
        yield check_result(rule, [c for c in result.checks if _belongs(c, rule)], result.partition, asset)
    if not result.passed:
        raise dg.Failure(str(GateRefused(result)), metadata={"gate": result.gate}, allow_retries=False)
    yield dg.MaterializeResult(asset, metadata=gate_metadata(result))


def check_result(
    rule: suites.Rule,
    checks: list[CheckResult],
    partition: tuple[date | None, date | None],
    asset: dg.AssetKey,
) -> dg.AssetCheckResult:
    """One rule's verdict with its counts. A rule that met no column is passed with nothing judged."""
    failed = [check for check in checks if not check.success]
    first, last = partition
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=check_name(rule),
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{check.name}: {check.verdict}" for check in failed or checks)[:2000],
        metadata={
            "table": rule.table,
            "partition": "all rows" if first is None else f"{first} to {last}",
            "rows_judged": max((check.n_elements or 0 for check in checks), default=0),
            "rows_that_break_it": sum(check.n_unexpected or 0 for check in checks),
            "checks": dg.MetadataValue.md(_table(checks)),
        },
    )


def gate_metadata(result: GateResult) -> dict[str, Any]:
    """What the gate's asset shows: counts, seconds and the picture."""
    from quality.plots import plot_gate

    return {
        "checks_passed": len(result.checks) - len(result.failed),
        "checks_failed": len(result.failed),
        "evidence": picture(plot_gate(result)),
    }


def picture(png: bytes) -> dg.MetadataValue:
    """A PNG inside Dagster metadata."""
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(png).decode()})")


def _belongs(check: CheckResult, rule: suites.Rule) -> bool:
    """Whether a check came from a rule: several columns share a kind and its words, and a rule's may be a pattern."""
    of_rule = check.table == rule.table and check.expectation == rule.kind and check.name.endswith(rule.says)
    return of_rule and fnmatchcase(check.column or "", (rule.column or "").removeprefix("ok__"))


def _table(checks: list[CheckResult]) -> str:
    rows = [f"| {c.name} | {'yes' if c.success else '**no**'} | {c.verdict} |" for c in checks]
    return "\n".join(["| expectation | holds | counts |", "|---|---|---|", *rows])
