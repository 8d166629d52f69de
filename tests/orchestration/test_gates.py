"""Gates as Dagster shows them: one check per rule, named apart, failing when a rule is broken."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields

import dagster as dg
import pytest

from ml.gates import ModelFacts, PromotionPolicy, decide
from orchestration import gates
from orchestration.assets.model import PROMOTION_GATES
from quality import suites
from quality.gates import CheckResult, GateResult

ASSET = dg.AssetKey(["quality", "raw_in"])
RULE = suites.rules_of(suites.RAW_IN)[1]


def check(rule: suites.Rule, *, success: bool) -> CheckResult:
    """What quality says of a rule."""
    return CheckResult(
        name=f"{rule.table} · {rule.column} · {rule.says}", table=rule.table, expectation=rule.kind,
        column=rule.column, dimension=rule.dimension, success=success, n_elements=100,
        n_unexpected=0 if success else 12, threshold=rule.mostly, seconds=0.1,
    )  # fmt: skip


def result(*, broken: suites.Rule | None = None) -> GateResult:
    """The verdict of the raw gate with at most one broken rule."""
    checks = tuple(check(rule, success=rule is not broken) for rule in suites.rules_of(suites.RAW_IN))
    return GateResult(suites.RAW_IN, broken is None, checks)


def test_every_rule_has_a_name_of_its_own_that_dagster_accepts() -> None:
    names = Counter((rule.suite, gates.check_name(rule)) for rule in suites.RULES)
    assert [name for name, n in names.items() if n > 1] == []
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for _, name in names)


@pytest.mark.parametrize("gate", suites.SUITES)
def test_every_rule_is_a_blocking_check(gate: str) -> None:
    specs = gates.check_specs(gate, ASSET)
    assert len(specs) == len(suites.rules_of(gate))
    assert all(spec.blocking and spec.description for spec in specs)


def test_a_passed_gate_reports_every_check_and_is_materialised() -> None:
    reported = list(gates.report(result(), ASSET))
    checks = [item for item in reported if isinstance(item, dg.AssetCheckResult)]
    assert len(checks) == len(suites.rules_of(suites.RAW_IN))
    assert all(item.passed for item in checks)
    assert isinstance(reported[-1], dg.MaterializeResult)


def until_refusal() -> tuple[list[object], str]:
    """What a gate with one broken rule reports before it raises, and what it raises."""
    reported: list[object] = []
    try:
        for item in gates.report(result(broken=RULE), ASSET):
            reported.append(item)  # noqa: PERF402 - what came before the exception is the point
    except dg.Failure as refusal:
        return reported, str(refusal.description)
    raise AssertionError("the gate let a broken rule pass")


def test_a_refused_gate_is_not_materialised_and_says_by_how_much() -> None:
    reported, refusal = until_refusal()
    assert not [item for item in reported if isinstance(item, dg.MaterializeResult)]
    assert f"{RULE.table} · {RULE.column} · {RULE.says}: 12 of 100 rows break it" in refusal


def test_two_rules_of_one_kind_do_not_answer_for_each_other() -> None:
    """Four columns share the rule `has a value`; only the broken one is shown as broken."""
    reported, _ = until_refusal()
    failed = [item.check_name for item in reported if isinstance(item, dg.AssetCheckResult) and not item.passed]
    assert failed == [gates.check_name(RULE)]


def test_a_rule_that_met_no_column_passes_with_nothing_judged() -> None:
    shown = gates.check_result(RULE, [], (None, None), ASSET)
    assert shown.passed
    assert shown.metadata["rows_judged"].value == 0


def test_dagster_shows_every_promotion_gate() -> None:
    unmeasured = ModelFacts(*(None for _ in fields(ModelFacts)))
    verdicts = decide(unmeasured, None, None, PromotionPolicy())
    assert [verdict.name for verdict in verdicts] == list(PROMOTION_GATES)
    assert {verdict.name for verdict in verdicts if verdict.passed} == {"beats_incumbent"}, "nothing unmeasured passes"
