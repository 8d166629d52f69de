"""The breach clock in Dagster: a sensor that looks every five minutes, and a run for each alarm that is due."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.platform import PlatformResource

if TYPE_CHECKING:
    from privacy.breaches.clock import Alarm


@dg.op(name="breach_alarms_op", out=dg.Out(int), tags={"team": "privacy"})
def breach_alarm(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Raise every alarm that is due, each once: an error in the run's log, an entry in the register."""
    from privacy.breaches.clock import raise_alarms

    opened = platform.open()
    with opened.database.connect("erasure") as conn:
        raised = raise_alarms(conn, opened.settings.now())
    for alarm in raised:
        context.log.error(words(alarm))
    context.add_output_metadata(metadata_of(raised))
    return len(raised)


def words(alarm: "Alarm") -> str:
    """The alarm in a sentence: numbers and times only."""
    hours = alarm.time_left.total_seconds() / 3600
    left = f"{hours:.1f} hours are left" if hours >= 0 else f"the deadline passed {-hours:.1f} hours ago"
    return (
        f"breach {alarm.breach_id}: {alarm.hours} hours since awareness and the authority was not told; {left} "
        f"(until {alarm.deadline_at}). `lethe privacy breaches status {alarm.breach_id}` shows what is missing"
    )


def metadata_of(raised: "list[Alarm]") -> dict[str, Any]:
    """Which alarms were raised."""
    rows = [f"| {a.breach_id} | {a.hours} | {a.deadline_at} |" for a in raised]
    table = "\n".join(["| breach | hours | to be told by |", "|---|---|---|", *rows])
    return {"raised": len(raised), "alarms": dg.MetadataValue.md(table)}


@dg.job(name="breach_alarm_job", description="Raises the alarms of the 72-hour clock that are due.")
def breach_alarm_job() -> None:
    """One op."""
    breach_alarm()


@dg.sensor(
    job_name="breach_alarm_job",  # by name: Dagster remakes a sensor that holds a job of ops, and warns of itself
    minimum_interval_seconds=300,
    description="Watches the 72 hours of every open breach: alarms at 24, 48 and 66 hours, each once.",
)
def breach_alarms(platform: PlatformResource) -> dg.SensorResult | dg.SkipReason:
    """One run per alarm that is due; the same alarm asks only once."""
    from privacy.breaches.clock import due_alarms
    from privacy.breaches.register import all_breaches

    opened = platform.open()
    with opened.database.connect("privacy") as conn:
        due = [(b.breach_id, hours) for b in all_breaches(conn, only_open=True)
               for hours in due_alarms(b, opened.settings.now())]  # fmt: skip
    if not due:
        return dg.SkipReason("no alarm is due")
    return dg.SensorResult([
        dg.RunRequest(
            run_key=f"breach-{number}-{hours}h", tags={"lethe/cause": f"breach {number}: {hours} hours since awareness"}
        )
        for number, hours in due
    ])  # fmt: skip


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [breach_alarm_job]
SENSORS = [breach_alarms]
