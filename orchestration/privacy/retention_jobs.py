"""Retention in Dagster: one run a day, with counts and a picture of what went. Deciding is privacy.retention's."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import plots
from orchestration.platform import PlatformResource
from orchestration.privacy.daily import daily

if TYPE_CHECKING:
    from datetime import date

    from privacy.retention.execution import RetentionReport


@dg.op(name="retention_run", out=dg.Out(int), tags={"team": "privacy"})
def retention_run(context: dg.OpExecutionContext, platform: PlatformResource) -> int:
    """Delete what is past its term; fails afterwards when a table has dated rows and no rule."""
    from orchestration.privacy.services.retention import RetentionService
    from privacy.retention.execution import deleted_per_day, refuse_faults

    opened = platform.open()
    report, beside = RetentionService(opened).run(context.instance, context.log.info)
    with opened.database.connect("erasure") as conn:
        per_day = deleted_per_day(conn)
    context.add_output_metadata({**metadata_of(report, per_day), **beside})
    refuse_faults(report)
    return report.n_deleted


def metadata_of(report: "RetentionReport", per_day: "list[tuple[date, int]]") -> dict[str, Any]:
    """Counts per store, the faults, and bars of what went per day."""
    rows = [f"| {line.store} | {line.policy} | {line.cutoff_on} | {line.n:,} | {line.n_held:,} |"
            for line in report.lines if line.n or line.n_held]  # fmt: skip
    rows += [f"| raw.{name} | whole partition |  | {n:,} | 0 |" for name, n in report.partitions.items()]
    return {
        "deleted": report.n_deleted,
        "held": report.n_held,
        "closed_days": report.n_closed_days,
        "tables_without_a_rule": len(report.uncovered) + len(report.misnamed),
        "stores": dg.MetadataValue.md(
            "\n".join(["| store | policy | before | went | held |", "|---|---|---|---|---|", *rows])
        ),
        "deleted_per_day": plots.series(per_day, "deleted per day"),
    }


@dg.job(name="retention_job", description="Delete what is past its term, everywhere; legal holds are kept.")
def retention_job() -> None:
    """One op: its steps are transactions of their own, and a killed run is run again."""
    retention_run()


daily_retention = daily(
    retention_job,
    "03:00",
    name="daily_retention",
    key="retention",
    description="Deletes what is past its term at 03:00 UTC, after the day that ended was built.",
)
ASSETS: list[dg.AssetsDefinition] = []
JOBS = [retention_job]
SCHEDULES = [daily_retention]
SENSORS: list[dg.SensorDefinition] = []
