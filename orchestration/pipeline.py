"""`lethe run`: take events in, materialise what changed, remember what was completed. No printing here."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from orchestration import dbt, facts
from orchestration.platform import Platform, tell
from warehouse.database import ADMIN
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult
    from dagster._core.events.log import EventLogEntry


class AnotherRunError(WarehouseError):
    """Another `lethe run` works on this home."""


class RunFailedError(Exception):
    """A step of the run failed for another reason than a gate; the message is the step's own."""


@dataclass(frozen=True, slots=True)
class GateRefusal:
    """A gate that stopped the run, and its own words."""

    step: str
    text: str


@dataclass(slots=True)
class Outcome:
    """What a run did: what was taken in, which days were rewritten, and what stopped it, if anything did."""

    events: dict[str, int]
    n_without_basis: int = 0
    days: list[date] = field(default_factory=list)
    materialised: bool = False
    refusal: GateRefusal | None = None
    explanation: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)


@contextmanager
def exclusive(platform: Platform) -> Iterator[None]:
    """Hold the home's run lock; it ends with the process, however that ends."""
    with (platform.home / "run.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherRunError(
                f"another `lethe run` works on {platform.home}; wait for it, then run again"
            ) from None
        yield


def state_digest(platform: Platform) -> str:
    """What everything below raw is built from; equal digests mean there is nothing to do."""
    with platform.database.connect("privacy") as conn:
        row = conn.execute(
            "select"
            " (select coalesce(bit_xor(hashtextextended(event_day || ':' || version, 0)), 0) from raw.event_days),"
            " (select coalesce(bit_xor(hashtextextended(event_day || ':' || version, 0)), 0) from safe.event_days),"
            " (select coalesce(max(version), 0) from privacy.dirty_days),"
            " (select coalesce(bit_xor(hashtextextended(r::text, 0)), 0) from privacy.classification_rules r)"
        ).fetchone()
    training = platform.home / "training.json"
    parts = [str(row), dbt.project_digest(), training.read_text() if training.exists() else ""]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def completed(platform: Platform) -> dict[str, Any] | None:
    """The summary of the last completed run when nothing changed since, else None."""
    with platform.database.connect(ADMIN) as conn:
        row = conn.execute("select digest, summary from warehouse.completed_runs").fetchone()
    return dict(row[1]) if row and row[0] == state_digest(platform) else None


def remember_completed(platform: Platform, summary: dict[str, Any]) -> None:
    """Store what a completed run was built from, with its summary (counts and figures only)."""
    with platform.database.connect(ADMIN) as conn:
        conn.execute("delete from warehouse.completed_runs")
        conn.execute(
            "insert into warehouse.completed_runs (digest, summary, finished_at) values (%s, %s, %s)",
            (state_digest(platform), json.dumps(summary, default=str), platform.settings.now()),
        )


def take_in(platform: Platform, intake: dict[str, Any]) -> Outcome:
    """Import what the command names. A recorded import of the same bytes is not read again."""
    from orchestration.assets import collection

    result = _execute(platform, "intake_job", {}, {"ops": {"intake": {"config": intake}}})
    metadata = facts.metadata_of(result, collection.IMPORTS)
    names = ("read", "stored", "duplicates", "quarantined", "refused")
    return Outcome(
        events={name: int(metadata[name]) for name in names},
        n_without_basis=int(metadata["without_basis"]),
        explanation=metadata["notes"].strip() or None,
    )


def materialise(platform: Platform, outcome: Outcome, cause: str) -> None:
    """Run everything from raw to published predictions over the changed days."""
    from orchestration.sensors import span_tags

    outcome.days = facts.pending_days(platform)
    span = outcome.days or facts.last_day(platform)
    if not span:
        outcome.explanation = "there are no events yet: nothing to materialise"
        return
    tags = {**span_tags(span), "lethe/cause": cause}
    result = _execute(platform, "pipeline_job", tags, {}, outcome)
    outcome.materialised = True
    if not result.success:
        outcome.refusal = _refusal(result)


def _execute(
    platform: Platform,
    job_name: str,
    tags: dict[str, str],
    run_config: dict[str, Any],
    outcome: Outcome | None = None,
) -> ExecuteInProcessResult:
    """Run a job in this process on the home's instance, telling the person when each step begins and ends."""
    from dagster._core.utils import make_new_run_id

    from orchestration import definitions, instance
    from orchestration.jobs import QUIET

    tell(platform.home, platform.echo)
    dbt.use_login(platform.database)
    job = definitions.build_definitions(platform.settings).resolve_job_def(job_name)
    run_id = make_new_run_id()
    with instance.open_instance(platform) as opened:
        _listen(opened, run_id, platform, outcome)
        return job.execute_in_process(
            run_config={**QUIET, **run_config},
            instance=opened,
            run_id=run_id,
            raise_on_error=outcome is None,
            tags={"lethe/launched_by": "cli", "lethe/pid": str(os.getpid()), **tags},
        )


def _listen(instance: DagsterInstance, run_id: str, platform: Platform, outcome: Outcome | None) -> None:
    began: dict[str, float] = {}

    def hear(entry: EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        if event.is_step_start:
            began[event.step_key] = time.monotonic()
            platform.echo(f"{event.step_key} ...")
        elif event.is_step_success or event.is_step_failure:
            seconds = time.monotonic() - began.get(event.step_key, time.monotonic())
            if outcome is not None:
                outcome.seconds[event.step_key] = round(seconds, 2)
            platform.echo(f"{event.step_key} {'done' if event.is_step_success else 'stopped'} in {seconds:.1f} s")

    instance.add_event_listener(run_id, hear)


def _refusal(result: ExecuteInProcessResult) -> GateRefusal:
    """The gate that stopped the run. Raises RunFailedError when it was something else."""
    step, text, is_gate = facts.failure_of(result)
    if not is_gate:
        raise RunFailedError(f"{step}: {text}")
    return GateRefusal(step, text)
