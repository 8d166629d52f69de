"""Breaches in Dagster: drafts for every marking of tables, alarms of the 72 hours, each once. No person is named."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import Platform, PlatformResource
from privacy.access_log import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orchestration.privacy.services.breaches import BreachService
    from privacy.breaches.clock import Alarm
    from privacy.breaches.drafting import Drafted
    from privacy.breaches.register import Breach

AT_FIRST_SECONDS, SOON_SECONDS, LATER_SECONDS = 600, 120, 3600
READER = Reader("dagster", "to draft the notifications of a breach", "breach_drafts_job")
FIRST = {"dagster/priority": "10"}  # of the runs that wait: the clock of a breach runs


@dg.op(name="breach_drafts_op", out=dg.Out(int), tags={"team": "privacy"})
def breach_drafts(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Draft for every marking without drafts; fails afterwards where a breach could not be drafted, and says why."""
    opened = platform.open()
    done = _service(opened).draft_due(READER)
    for number, why in done.faults.items():
        context.log.error(f"breach {number} has no drafts: {why}")
    context.add_output_metadata(drafts_metadata(done.drafted, opened.settings.now()))
    done.refuse_faults()
    return len(done.drafted)


def drafts_metadata(drafted: "Sequence[Drafted]", now: "datetime") -> dict[str, Any]:
    """People and rows by breach and table, what is still missing in the drafts, and two pictures. Counts only."""
    counted = [(d.breach.breach_id, line) for d in drafted for line in d.affected.found]
    rows = [f"| {n} | {c.marked} | {c.table} | {c.n_subjects:,} | {c.n_rows:,} |" for n, c in counted]
    head = ["| breach | marked | found in | people | rows |", "|---|---|---|---|---|"]
    people: dict[str, list[float]] = {}
    for number, line in counted:
        people[f"breach {number}: {line.table}"] = [line.n_subjects]
    return {
        "drafted": len(drafted),
        "affected": dg.MetadataValue.md("\n".join([*head, *rows])),
        "tables_that_name_nobody": sum(len(d.affected.nameless) for d in drafted),
        "people_per_table": plots.lying(people, ["people"], "affected people per table"),
        "hours_left": hours_left([d.breach for d in drafted], now),
    }


def hours_left(breaches: "Sequence[Breach]", now: "datetime") -> dg.MetadataValue:
    """Hours until the authority has to have been told, as bars; a deadline that passed shows none."""
    from privacy.breaches.clock import deadline_at

    left = {f"breach {b.breach_id}": [round((deadline_at(b) - now).total_seconds() / 3600, 1)] for b in breaches}
    return plots.lying(left, ["hours"], "left of the 72 hours")


@dg.op(name="breach_alarms_op", out=dg.Out(int), tags={"team": "privacy"})
def breach_alarm(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Raise every alarm that is due, each once: an error in the run's log, an entry in the register."""
    opened = platform.open()
    service = _service(opened)
    raised = service.raise_alarms()
    for alarm in raised:
        context.log.error(words(alarm))
    clocks = [breach for breach in service.breaches(only_open=True) if not breach.was_told("authority")]
    context.add_output_metadata(metadata_of(raised) | {"hours_left": hours_left(clocks, opened.settings.now())})
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


@dg.job(
    name="breach_drafts_job",
    tags=FIRST,
    description="Drafts the notifications of every open breach whose tables were marked since its last drafts.",
)
def breach_drafts_job() -> None:
    """One op: drafts are entered with their marking, so that a killed run is run again and another does nothing."""
    breach_drafts()


@dg.job(name="breach_alarm_job", tags=FIRST, description="Raises the alarms of the 72-hour clock that are due.")
def breach_alarm_job() -> None:
    """One op."""
    breach_alarm()


@dg.sensor(
    job_name="breach_drafts_job",  # by name: Dagster remakes a sensor that holds a job of ops, and warns of itself
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,  # the drafts are promised; nobody should have to switch them on
    description="Has notifications drafted when tables of an open breach were marked.",
)
def undrafted_breaches(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    """One run for what is marked and not drafted; a run that was killed or failed is asked for again.

    Runs wait for the one in progress, which may take longer than drafts may: after two minutes the look itself drafts.
    """
    from privacy.breaches.drafting import waiting

    opened = platform.open()
    with opened.database.connect("privacy") as conn:
        found = waiting(conn)
    if not found:
        return dg.SkipReason("every marking has its drafts")
    age = (opened.settings.now() - max(marking.recorded_at for marking in found)).total_seconds()
    if SOON_SECONDS <= age < AT_FIRST_SECONDS and not _service(opened).draft_due(READER).faults:
        return dg.SkipReason(f"no run came to it, so {len(found)} markings were drafted here")
    marked = "-".join(str(marking.entry_id) for marking in found)
    cause = f"{len(found)} markings of tables have no drafts"
    return dg.RunRequest(run_key=f"breach-drafts-{marked}-{turn(age)}", tags={"lethe/cause": cause})


def _service(opened: Platform) -> "BreachService":
    from orchestration.privacy.services.breaches import BreachService

    return BreachService(opened)


def turn(age: float) -> int:
    """Which try it is, so many seconds after the newest marking: every two minutes at first, then every hour. Pure.

    Drafts are due within 300 s, so a killed run is due again soon; one that fails for good must not fill the queue.
    """
    return int(age // SOON_SECONDS if age < AT_FIRST_SECONDS else AT_FIRST_SECONDS + age // LATER_SECONDS)


@dg.sensor(
    job_name="breach_alarm_job",
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,  # a clock that somebody has to wind is no alarm
    description="Watches the 72 hours of every open breach: alarms at 24, 48 and 66 hours, each once.",
)
def breach_alarms(platform: PlatformResource) -> dg.SensorResult | dg.SkipReason:
    """One run per alarm that is due; while it is not raised, because its run was killed, once more every hour."""
    from privacy.breaches.clock import due_alarms
    from privacy.breaches.register import all_breaches

    opened = platform.open()
    now = opened.settings.now()
    with opened.database.connect("privacy") as conn:
        due = [(b.breach_id, hours, int((now - b.aware_at).total_seconds() // LATER_SECONDS) - hours)
               for b in all_breaches(conn, only_open=True) for hours in due_alarms(b, now)]  # fmt: skip
    if not due:
        return dg.SkipReason("no alarm is due")
    return dg.SensorResult([
        dg.RunRequest(
            run_key=f"breach-{number}-{hours}h-{late}",
            tags={"lethe/cause": f"breach {number}: {hours} hours since awareness"},
        )
        for number, hours, late in due
    ])  # fmt: skip


ASSETS: list[dg.AssetsDefinition] = []
JOBS = [breach_drafts_job, breach_alarm_job]
SENSORS = [undrafted_breaches, breach_alarms]
