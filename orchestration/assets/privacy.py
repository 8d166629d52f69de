"""The raw border and the privacy transform: only what its gate let in and consent covers reaches `safe`."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import facts, gates, plots
from orchestration.assets.collection import CONSENT
from orchestration.assets.partitions import ANONYMOUS, DAYS, EMBEDDINGS, LOGS, ONE_RUN, PSEUDONYMOUS, days_of, within
from orchestration.platform import Platform, PlatformResource
from quality.suites import RAW_IN

if TYPE_CHECKING:
    from privacy.transform import TransformReport

GATE = dg.AssetKey(["quality", RAW_IN])
OWNERS = ["team:privacy"]


@dg.asset(
    key=GATE, deps=[LOGS], group_name="collection", owners=["team:quality"], kinds={"great_expectations"},
    check_specs=gates.check_specs(RAW_IN, GATE),
    description="The gate between what came in and the privacy transform. Refused: nothing below is built.",
)  # fmt: skip
def raw_in(context: dg.AssetExecutionContext, platform: PlatformResource) -> Iterator[object]:
    """Judge the days that have work to do."""
    opened = platform.open()
    days = pending(opened, run_span(context))
    if not days:
        yield from nothing_to_judge(RAW_IN, GATE)
        return
    yield from gates.report(gates.judge(opened, RAW_IN, run_key=context.run_id, days=days), GATE)


@dg.multi_asset(
    name="privacy_transform",
    partitions_def=DAYS,
    backfill_policy=ONE_RUN,
    specs=[
        dg.AssetSpec(
            PSEUDONYMOUS, deps=[GATE, LOGS, CONSENT], group_name="privacy", owners=OWNERS, kinds={"postgres", "duckdb"},
            description="Events under keyed ids, with the purposes whose consent holds.",
        ),
        dg.AssetSpec(
            ANONYMOUS, deps=[GATE, LOGS, CONSENT], group_name="privacy", owners=OWNERS, kinds={"postgres", "duckdb"},
            description="Events without identifiers, masked and generalised (purpose: sharing).",
        ),
        dg.AssetSpec(
            EMBEDDINGS, deps=[GATE, LOGS, CONSENT], group_name="privacy", owners=OWNERS, kinds={"postgres", "numpy"},
            description="Prompts and responses of events that may train models, as vectors without words.",
        ),
    ],
)  # fmt: skip
def privacy_transform(
    context: dg.AssetExecutionContext, platform: PlatformResource
) -> Iterator[dg.MaterializeResult[Any]]:
    """Transform the days of this run that changed."""
    from privacy.classification_items import raise_items
    from privacy.transform import transform_days

    opened = platform.open()
    days = pending(opened, days_of(context))
    with opened.database.connect("privacy") as conn:
        report = transform_days(conn, days, opened.vault)
        n_new_paths = raise_items(conn)
    sweep_closed_days(opened)
    rows = facts.safe_rows(opened)
    counts = {
        "dagster/row_count": rows["pseudonymous_events"], "rows_written": report.n_pseudonymous,
        "days": len(days), "new_paths_for_the_steward": n_new_paths,
    }  # fmt: skip
    yield dg.MaterializeResult(PSEUDONYMOUS, metadata={**counts, **_excluded(report)})
    counts = {"dagster/row_count": rows["anonymous_events"], "rows_written": report.n_anonymous, "days": len(days)}
    yield dg.MaterializeResult(ANONYMOUS, metadata=counts)
    yield dg.MaterializeResult(EMBEDDINGS, metadata={"days": len(days)})


def sweep_closed_days(platform: Platform) -> int:
    """Days past their retention cannot be built again: take withdrawn people out of what is left of them directly."""
    from privacy.retention.execution import sweep_withdrawn
    from privacy.retention.holds import keyed_by

    with platform.database.connect("erasure") as conn:
        return sweep_withdrawn(conn, keyed_by(platform.vault), platform.settings.now())


def pending(platform: Platform, span: tuple[date, date]) -> list[date]:
    """Days of a span whose raw events, consents or rules changed since they were transformed."""
    from privacy.transform import pending_days

    with platform.database.connect("privacy") as conn:
        return within(pending_days(conn), span)


def run_span(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """The days of the run that an unpartitioned asset belongs to; everything when the run has none."""
    tags = context.run.tags
    single = tags.get("dagster/partition")
    first = tags.get("dagster/asset_partition_range_start", single)
    last = tags.get("dagster/asset_partition_range_end", single)
    return (
        date.fromisoformat(first) if first else date.min,
        date.fromisoformat(last) if last else date.max,
    )


def nothing_to_judge(gate: str, asset: dg.AssetKey) -> Iterator[object]:
    """Checks and materialisation of a gate whose days hold no change: nothing passes it, so nothing is judged."""
    from quality import suites

    for rule in suites.rules_of(gate):
        yield gates.check_result(rule, [], (None, None), asset)
    yield dg.MaterializeResult(asset, metadata={"checks_passed": 0, "checks_failed": 0, "note": "no changed days"})


def _excluded(report: "TransformReport") -> dict[str, Any]:
    counts = dict(sorted(report.exclusions.items()))
    rows: dict[str, list[float]] = {reason: [n] for reason, n in counts.items()}
    return {
        **{f"excluded/{reason}": n for reason, n in counts.items()},
        "excluded": plots.lying(rows, ["rows or values"], "left out by reason"),
    }
