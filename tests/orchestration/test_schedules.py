"""What runs by the clock, evaluated at a moment: which day, which cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration import schedules
from orchestration.platform import PlatformResource


def ticked(definitions: dg.Definitions, name: str, moment: datetime) -> list[dg.RunRequest]:
    """The runs a schedule asks for at a moment."""
    repository = definitions.get_repository_def()
    context = dg.build_schedule_context(scheduled_execution_time=moment, repository_def=repository)
    return list(repository.get_schedule_def(name).evaluate_tick(context).run_requests or [])


@pytest.mark.parametrize(
    ("name", "cron", "job"),
    [("daily_at_two", "0 2 * * *", "pipeline_job"), ("weekly_retraining", "0 4 * * 1", "retrain_job")],
)
def test_schedules_run_at_their_hour_in_utc(definitions: dg.Definitions, name: str, cron: str, job: str) -> None:
    schedule = definitions.get_repository_def().get_schedule_def(name)
    assert schedule.cron_schedule == cron
    assert schedule.execution_timezone == "UTC"
    assert schedule.job_name == job


def test_at_two_the_day_that_ended_is_materialised(definitions: dg.Definitions) -> None:
    (request,) = ticked(definitions, "daily_at_two", datetime(2026, 11, 20, 2, tzinfo=UTC))
    assert request.partition_key == "2026-11-19"
    assert request.tags["lethe/cause"] == "schedule: the day ended"


@pytest.mark.integration
def test_a_week_asks_for_one_retraining_with_its_cause_unless_one_was_days_ago(platform: PlatformResource) -> None:
    monday = datetime(2026, 11, 23, 4, tzinfo=UTC)

    def tick() -> dg.ScheduleExecutionData:
        with dg.build_schedule_context(scheduled_execution_time=monday, resources={"platform": platform}) as context:
            return schedules.weekly_retraining.evaluate_tick(context)

    def train(before: timedelta) -> None:
        with platform.open().database.connect("ml") as conn:
            conn.execute(
                "insert into ml.training_sets values (%s, '', '{}', 1, 1, %s)", (f"churn-{before}", monday - before)
            )

    train(timedelta(days=7, minutes=-1))  # a week ago by the schedule, which takes its minutes
    (request,) = tick().run_requests or []
    assert request.run_key == "weekly-2026-W48"
    assert request.tags["lethe/cause"] == "schedule: weekly retraining"
    train(timedelta(days=2, hours=23))
    assert not tick().run_requests
    assert tick().skip_message == "a training was asked for 2026-11-20, the next not before 2026-11-23"
