"""The Dagster instance of a home: runs and events in PostgreSQL, compute logs and schedules under the home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.secrets import write_private
from warehouse.settings import TELEMETRY_OFF, export

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from orchestration.platform import Platform

# Materialisations of one asset over a range of days are written in statements of this many rows.
EVENTS_PER_STATEMENT = "1000"
# A step's standard error comes through a `tail` that Dagster ends with the step: seconds for its last line.
TAIL_S = "0.1"
CONNECTION_SECONDS = 3600  # then it is opened anew


def prepare(platform: Platform) -> Path:
    """Write the instance's dagster.yaml and return its folder (DAGSTER_HOME)."""
    folder = platform.home / "dagster"
    for name in ("storage", "compute_logs"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    # JSON is YAML; the file holds the database password, so only its owner may read it.
    write_private(folder / "dagster.yaml", json.dumps(configuration(platform, folder), indent=1))
    return folder


def configuration(platform: Platform, folder: Path) -> dict[str, object]:
    """The content of dagster.yaml."""
    postgres = {"postgres_url": platform.database.url("dagster", "psycopg2")}
    return {
        "run_storage": {"module": "dagster_postgres.run_storage", "class": "PostgresRunStorage", "config": postgres},
        "event_log_storage": {
            "module": "orchestration.event_log",
            "class": "BulkEventLogStorage",
            "config": postgres,
        },
        "schedule_storage": {
            "module": "dagster_postgres.schedule_storage",
            "class": "PostgresScheduleStorage",
            "config": postgres,
        },
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(folder / "storage")},
        },
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(folder / "compute_logs")},
        },
        # Two runs that rewrite the same days would only wait for each other.
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
        "run_monitoring": {"enabled": True, "start_timeout_seconds": 300},
        "retention": {
            "schedule": {"purge_after_days": 90},
            "sensor": {"purge_after_days": {"skipped": 7, "failure": 30, "success": 90}},
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # a window that asks for an e-mail address
    }


def open_instance(platform: Platform) -> DagsterInstance:
    """The home's instance, with runs that died in an earlier process marked as failed."""
    folder = prepare(platform)
    batches = {"DAGSTER_EVENT_BATCH_SIZE": EVENTS_PER_STATEMENT}
    export(
        {"DAGSTER_HOME": str(folder), "DAGSTER_COMPUTE_LOG_TAIL_WAIT_AFTER_FINISH": TAIL_S, **batches, **TELEMETRY_OFF}
    )
    from dagster import DagsterInstance

    instance = DagsterInstance.get()
    # Else its storages log in to PostgreSQL for every statement, a thousand times in a run. 0: no statement times out.
    instance.optimize_for_webserver(statement_timeout=0, pool_recycle=CONNECTION_SECONDS, max_overflow=20)
    end_dead_runs(instance)
    return instance


def end_dead_runs(instance: DagsterInstance) -> int:
    """Mark runs of the command line whose process is gone as failed; returns how many."""
    from dagster import DagsterRunStatus, RunsFilter

    running = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED], tags={"lethe/launched_by": "cli"}))
    dead = [run for run in running if not Path(f"/proc/{run.tags.get('lethe/pid', 0)}").exists()]
    for run in dead:
        instance.report_run_failed(run, "the process of this run ended before the run did")
    return len(dead)
