"""What stages before training contribute to the decision journal: files taken in, and what gates said of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.platform import Platform
    from quality.gates import GateResult


def uploaded(platform: Platform, source: str, counts: Mapping[str, int]) -> None:
    """A file or the simulation was taken in."""
    from ml.journal import Entry, Event

    decision = "Stored" if counts["stored"] else "Nothing new to store"
    reasoning = (
        f"Of {counts['read']} records read, {counts['stored']} were new, {counts['duplicates']} were known already, "
        f"{counts['quarantined']} could not be read as events and {counts['refused']} were refused "
        "(no stated basis, or not to be collected)."
    )
    with platform.journal() as journal:
        journal.write(Entry(Event.DATASET_UPLOADED, source, None, decision, reasoning, dict(counts)))


def validated(platform: Platform, result: GateResult) -> None:
    """A gate judged a part of the data."""
    from ml.journal import Entry, Event

    failed = [f"{check.name}: {check.verdict}" for check in result.failed]
    reasoning = f"{len(result.checks) - len(failed)} of {len(result.checks)} checks hold." + (
        f" Failed: {'; '.join(failed[:5])}." if failed else ""
    )
    figures = {"checks": len(result.checks), "failed": len(failed)}
    decision = "Let through" if result.passed else "Refused"
    with platform.journal() as journal:
        journal.write(Entry(Event.DATASET_VALIDATED, result.gate, None, decision, reasoning, figures))
        if not result.passed:
            journal.write(Entry(Event.ISSUE_DETECTED, result.gate, None, decision, reasoning, figures))
