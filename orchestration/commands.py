"""What each `lethe` command does. Parsing and exit codes are cli.py's; materialising is pipeline.py's."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration import facts, pipeline, summary
from orchestration.pipeline import Outcome
from orchestration.platform import Platform
from warehouse.settings import Settings


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What `lethe run` was asked for."""

    files: tuple[Path, ...]
    mapping: Path | None
    assume_consent: str | None
    reason: str | None
    n_events: int
    seed: int


class Console:
    """Progress on standard error with the seconds since the command began; results go to standard output."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._began = time.monotonic()
        self._quiet = quiet

    def __call__(self, line: str) -> None:
        if not self._quiet:
            print(f"[{time.monotonic() - self._began:6.1f} s] {line}", file=sys.stderr, flush=True)


def run(settings: Settings, request: RunRequest, console: Console) -> tuple[dict[str, Any], Outcome]:
    """Take events in, materialise what changed, and summarise. The summary is counts and figures."""
    began = time.monotonic()
    _look_at(request)
    platform = Platform.open(settings, console)
    console(f"database ready; home {settings.home}")
    with pipeline.exclusive(platform):
        outcome = _take_in(platform, request)
        if outcome.n_without_basis and not outcome.events["stored"]:
            return _summarise(platform, outcome, began), outcome
        if (last := pipeline.completed(platform)) is not None:
            console("nothing new: every table is up to date")
            return {**last, "events": outcome.events, "materialised": False}, outcome
        pipeline.materialise(platform, outcome, cause="command line")
        result = _summarise(platform, outcome, began)
        if outcome.refusal is None and outcome.materialised:
            pipeline.remember_completed(platform, result)
    return result, outcome


def _look_at(request: RunRequest) -> None:
    """What is wrong with the names of files is said before a server starts. Raises InputError."""
    from collection.files import require_readable
    from collection.mapping import load_mapping

    for path in request.files:
        require_readable(path)
    if request.mapping:
        load_mapping(request.mapping)


def _take_in(platform: Platform, request: RunRequest) -> Outcome:
    if not request.files and facts.has_events(platform):
        return Outcome(events=dict.fromkeys(("read", "stored", "duplicates", "quarantined", "refused"), 0))
    return pipeline.take_in(
        platform,
        {
            "files": [str(path.resolve()) for path in request.files],
            **({"mapping": str(request.mapping.resolve())} if request.mapping else {}),
            **({"assume_consent": request.assume_consent} if request.assume_consent else {}),
            **({"reason": request.reason} if request.reason else {}),
            "n_events": request.n_events,
            "seed": request.seed,
        },
    )


def _summarise(platform: Platform, outcome: Outcome, began: float) -> dict[str, Any]:
    return {
        "events": outcome.events,
        "stored_total": facts.stored_total(platform),
        "excluded": facts.exclusions(platform),
        "safe": facts.safe_rows(platform),
        "features": facts.feature_rows(platform),
        "gates": facts.gate_verdicts(platform),
        "model": facts.model_facts(platform),
        "next_action": facts.next_action_facts(platform),
        "days": len(outcome.days),
        "materialised": outcome.materialised,
        "seconds": {**outcome.seconds, "total": round(time.monotonic() - began, 2)},
    }


def render(result: dict[str, Any], outcome: Outcome, settings: Settings) -> str:
    """What a person reads after a run."""
    lines = [summary.text(result)]
    if outcome.explanation:
        lines.append(outcome.explanation)
    if outcome.refusal:
        lines.append(f"\nREFUSED by {outcome.refusal.step}\n{outcome.refusal.text}")
    lines.append(
        f"\nWhere to look next\n  make up                 Dagster and MLflow in the browser (home {settings.home})"
        "\n  lethe status            what this home holds"
        "\n  lethe url               the database, for psql or a BI tool"
    )
    return "\n".join(lines)
