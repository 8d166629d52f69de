"""Pictures are PNG files, whatever the evidence is."""

from __future__ import annotations

import pytest

from quality.drift import DriftPolicy, DriftReport, FeatureDrift
from quality.gates import CheckResult, GateResult
from quality.plots import plot_drift, plot_gate

PNG = b"\x89PNG\r\n\x1a\n"


def _check(n_elements: int | None, n_unexpected: int | None, success: bool) -> CheckResult:
    return CheckResult(
        "t · c · holds", "t", "holds", "c", "accuracy", success, n_elements, n_unexpected, 1.0, 0.1
    )  # fmt: skip


@pytest.mark.parametrize("checks", [(), (_check(10, 3, False), _check(None, None, False), _check(0, 0, True))])
def test_a_gate_is_drawn(checks: tuple[CheckResult, ...]) -> None:
    assert plot_gate(GateResult("raw_in", False, checks)).startswith(PNG)


def test_drift_is_drawn() -> None:
    drifted = FeatureDrift("a", 0.4, 1e-9, 0.1, 1.0, 300, 300, "drifted")
    unknown = FeatureDrift("b", None, None, None, 0.5, 3, 3, "too_few_rows")
    assert plot_drift(DriftReport((drifted, unknown), DriftPolicy())).startswith(PNG)
