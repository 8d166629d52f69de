"""Pictures of gate and drift evidence as PNG bytes: shares and indices, never values."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from quality.drift import DriftReport
from quality.gates import CheckResult, GateResult

PASSED, FAILED, UNKNOWN = "#3a7d44", "#b3261e", "#9aa0a6"
MOST_BARS = 40
MOST_EMPTY = 10


def plot_gate(result: GateResult) -> bytes:
    """Share of rows that break each check; red is refused. PNG."""
    ranked = sorted(result.checks, key=lambda check: (check.success, -_share(check)))
    # Dozens of empty bars hide the few that say something; a gate where all hold shows its first checks.
    checks = ([check for check in ranked if _share(check) or not check.success] or ranked[:MOST_EMPTY])[:MOST_BARS]
    verdict = "passed" if result.passed else f"refused, {len(result.failed)} checks failed"
    return _bars(
        [check.name for check in checks],
        [100 * _share(check) for check in checks],
        [PASSED if check.success else FAILED for check in checks],
        (f"gate {result.gate}: {verdict}", "rows that break the check (%)"),
    )


def plot_drift(report: DriftReport) -> bytes:
    """PSI of each feature, most important first, with what chance reaches as a mark; grey: too few rows. PNG."""
    features = sorted(report.features, key=lambda feature: (-feature.importance, -(feature.psi or 0.0)))[:MOST_BARS]
    colours = {"stable": PASSED, "drifted": FAILED, "too_few_rows": UNKNOWN}
    return _bars(
        [feature.feature for feature in features],
        [feature.psi or 0.0 for feature in features],
        [colours[feature.verdict] for feature in features],
        (f"drift: {len(report.drifted)} of {len(report.features)} features", "population stability index"),
        marks=[feature.critical for feature in features],
    )


def _share(check: CheckResult) -> float:
    """Share of rows in 0..1; a failed check without a count fills the bar."""
    if check.success and not check.n_unexpected:
        return 0.0
    if check.n_unexpected is None or not check.n_elements:
        return 1.0
    return min(1.0, check.n_unexpected / check.n_elements)


def _bars(
    names: Sequence[str],
    lengths: Sequence[float],
    colours: Sequence[str],
    labels: tuple[str, str],
    marks: Sequence[float | None] = (),
) -> bytes:
    from matplotlib.figure import Figure  # a figure without pyplot draws by Agg and keeps no global state

    figure = Figure(figsize=(10, 1.2 + 0.26 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(names)), lengths, color=colours)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_title(labels[0], fontsize=10)
    axes.set_xlabel(labels[1], fontsize=8)
    for place, mark in enumerate(marks):
        if mark is not None:
            axes.plot([mark, mark], [place - 0.4, place + 0.4], color="black", linewidth=1.2)
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()
