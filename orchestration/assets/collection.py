"""Events in: files and the simulator into raw, and the consent ledger that decides what may pass."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from orchestration import facts, journaling, plots
from orchestration.assets.partitions import DAYS, LOGS, ONE_RUN, days_of
from orchestration.platform import Platform, PlatformResource

IMPORTS = dg.AssetKey(["raw", "imports"])
CONSENT = dg.AssetKey(["consent", "consent_events"])
OWNERS = ["team:collection"]


class Intake(dg.Config):
    """What to import. Without files the home's simulation is imported (once)."""

    files: list[str] = Field(default_factory=list)
    mapping: str | None = None
    assume_consent: str | None = None
    reason: str | None = None
    n_events: int = 100_000
    seed: int = 7


@dg.multi_asset(
    name="intake",
    specs=[
        dg.AssetSpec(
            IMPORTS, group_name="collection", owners=OWNERS, kinds={"postgres"},
            description="Files taken in: read = stored + duplicates + quarantined + refused.",
        ),
        dg.AssetSpec(
            CONSENT, group_name="collection", owners=["team:privacy"], kinds={"postgres"},
            description="The append-only ledger of consent decisions, with the evidence that imports stated.",
        ),
    ],
)  # fmt: skip
def intake(config: Intake, platform: PlatformResource) -> Iterator[dg.MaterializeResult[Any]]:
    """Import files or the simulation."""
    from orchestration.intake import basis_of, simulation_plan, take_in_files, take_in_simulation

    opened = platform.open()
    if config.files:
        from collection.mapping import load_mapping

        if not config.mapping:
            raise dg.Failure("files need a mapping: `lethe mapping suggest FILE` proposes one", allow_retries=False)
        mapping = load_mapping(Path(config.mapping))
        basis = basis_of(mapping, config.assume_consent, config.reason)
        report = take_in_files(opened, [Path(name) for name in config.files], mapping, basis)
    else:
        report = take_in_simulation(opened, simulation_plan(opened, config.n_events, config.seed))
    counts = {
        "read": report.n_read, "stored": report.n_stored, "duplicates": report.n_duplicates,
        "quarantined": report.n_quarantined, "refused": report.n_refused,
    }  # fmt: skip
    journaling.uploaded(opened, ", ".join(Path(name).name for name in config.files) or "simulator", counts)
    yield dg.MaterializeResult(
        IMPORTS,
        metadata={
            **counts,
            "without_basis": report.n_without_basis,
            "notes": "\n".join([*report.notes, report.explanation or ""]),
        },
    )
    yield dg.MaterializeResult(CONSENT, metadata={"decisions": count_decisions(opened)})


@dg.asset(
    key=LOGS, deps=[IMPORTS], partitions_def=DAYS, backfill_policy=ONE_RUN, group_name="collection", owners=OWNERS,
    kinds={"postgres"}, description="Every event as it came in (LogEvent), partitioned by event day.",
)  # fmt: skip
def system_logs(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult[Any]:
    """What collection holds for these days."""
    opened = platform.open()
    counts = events_per_day(opened, *days_of(context))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": facts.stored_total(opened),
            "days_with_events": len(counts),
            "events_per_day": plots.series(counts, "events per day"),
        }
    )


def events_per_day(platform: Platform, first: object, last: object) -> list[tuple[object, int]]:
    """(event day, events) for days that have any."""
    with platform.database.connect("collection") as conn:
        rows = conn.execute(
            "select event_day, n_events from raw.event_days"
            " where event_day between %s and %s and n_events > 0 order by 1",
            (first, last),
        ).fetchall()
    return [(row[0], int(row[1])) for row in rows]


def count_decisions(platform: Platform) -> int:
    """Rows of the consent ledger."""
    with platform.database.connect("privacy") as conn:
        row = conn.execute("select count(*) from consent.consent_events").fetchone()
    return int(row[0]) if row else 0
