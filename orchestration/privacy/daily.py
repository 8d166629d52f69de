"""A job that runs once a day at a time of its own, in UTC; killed or late, the day's run keeps its key."""

from __future__ import annotations

from typing import Any

import dagster as dg


def daily(job: dg.JobDefinition, at: str, *, name: str, key: str, description: str) -> dg.ScheduleDefinition:
    """A schedule at HH:MM UTC whose run of a day is `key`-YYYY-MM-DD: a second request for it starts no second run."""

    def request(context: dg.ScheduleEvaluationContext) -> Any:
        day = context.scheduled_execution_time.date().isoformat()
        return dg.RunRequest(run_key=f"{key}-{day}", tags={"lethe/cause": f"schedule: daily {key}"})

    hour, minute = (int(part) for part in at.split(":"))
    return dg.ScheduleDefinition(
        name=name, job=job, cron_schedule=f"{minute} {hour} * * *", execution_timezone="UTC", execution_fn=request,
        description=description,
    )  # fmt: skip
