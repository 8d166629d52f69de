"""What runs by the clock: yesterday's day at 02:00 UTC, and a weekly retraining."""

import dagster as dg

from orchestration.jobs import pipeline_job, retrain_job

daily = dg.build_schedule_from_partitioned_job(
    pipeline_job,
    name="daily_at_two",
    hour_of_day=2,
    minute_of_hour=0,
    description="Materialises the day that ended, at 02:00 UTC.",
    tags={"lethe/cause": "schedule: the day ended"},
)


@dg.schedule(
    job=retrain_job,
    cron_schedule="0 4 * * 1",
    execution_timezone="UTC",
    description="Retrains every Monday at 04:00 UTC, whatever the drift says.",
)
def weekly_retraining(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One retraining a week; the cause is on the run."""
    moment = context.scheduled_execution_time
    return dg.RunRequest(run_key=f"weekly-{moment:%G-W%V}", tags={"lethe/cause": "schedule: weekly retraining"})
