"""What runs by the clock: yesterday's day at 02:00 UTC, and a weekly retraining."""

from datetime import timedelta

import dagster as dg

from orchestration.jobs import pipeline_job, retrain_job
from orchestration.platform import PlatformResource


@dg.schedule(
    name="daily_at_two",
    job=pipeline_job,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    description="Materialises the day that ended, at 02:00 UTC.",
)
def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One run a day over the day before; the newest partition is the day that has only begun."""
    ended_on = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
    return dg.RunRequest(
        run_key=f"daily-{ended_on}", partition_key=ended_on, tags={"lethe/cause": "schedule: the day ended"}
    )


@dg.schedule(
    job=retrain_job,
    cron_schedule="0 4 * * 1",
    execution_timezone="UTC",
    description="Retrains every Monday at 04:00 UTC, whatever the drift says, unless a training was days ago.",
)
def weekly_retraining(
    context: dg.ScheduleEvaluationContext, platform: PlatformResource
) -> dg.RunRequest | dg.SkipReason:
    """One retraining a week; the cause is on the run."""
    from orchestration import monitoring

    moment = context.scheduled_execution_time
    if (why := monitoring.too_soon_for_schedule(platform.open(), moment)) is not None:
        return dg.SkipReason(why)
    return dg.RunRequest(run_key=f"weekly-{moment:%G-W%V}", tags={"lethe/cause": "schedule: weekly retraining"})
