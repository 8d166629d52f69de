"""Dagster's own records under the term of run output: whole runs with their event logs, by Dagster's own means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from dagster import DagsterInstance

POLICY = "error_logs"  # as the output of runs (privacy/retention/files.py)
AT_ONCE = 200


def delete_runs(instance: DagsterInstance, cutoff_on: date | None) -> int:
    """Delete runs that were made before a UTC day, unless they still run; returns how many. None: no end."""
    from datetime import UTC, datetime, time

    from dagster import RunsFilter
    from dagster._core.storage.dagster_run import FINISHED_STATUSES

    if cutoff_on is None:
        return 0
    over = RunsFilter(created_before=datetime.combine(cutoff_on, time(), UTC), statuses=list(FINISHED_STATUSES))
    n_deleted = 0
    while records := instance.get_run_records(over, limit=AT_ONCE):
        for record in records:
            instance.delete_run(record.dagster_run.run_id)
        n_deleted += len(records)
    return n_deleted
