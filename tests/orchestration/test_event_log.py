"""Plans as the event log keeps them: partitions only where an asset has them, and no plan lost."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent, DagsterEventType
from dagster._core.events.log import EventLogEntry

from orchestration.assets.partitions import LOGS
from orchestration.event_log import truthful

GATE = dg.AssetKey(["quality", "raw_in"])
FEATURES = dg.AssetKey(["features", "ftr_user_weekly"])
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")


def entry(event_type: DagsterEventType, data: object = None) -> EventLogEntry:
    """One event of a run as it comes to the log."""
    event = DagsterEvent(event_type.value, job_name="pipeline_job", event_specific_data=data)  # type: ignore[arg-type]
    return EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None, level="debug", user_message="", run_id="run", timestamp=0.0, dagster_event=event
    )


def plan(key: dg.AssetKey, day: str | None) -> EventLogEntry:
    """The plan to materialise an asset, for a day or as a whole."""
    return entry(DagsterEventType.ASSET_MATERIALIZATION_PLANNED, AssetMaterializationPlannedData(key, partition=day))


def check_plan(key: dg.AssetKey) -> EventLogEntry:
    """The plan to evaluate a check over a range of days."""
    data = AssetCheckEvaluationPlanned(
        asset_key=key, check_name="c", partitions_subset=DefaultPartitionsSubset(set(DAYS))
    )
    return entry(DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, data)


def planned(events: Sequence[EventLogEntry]) -> list[tuple[dg.AssetKey | None, str | None]]:
    """(asset, partition) of the plans among the events."""
    found = [e.get_dagster_event() for e in events]
    return [(e.asset_key, e.partition) for e in found if e.event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED]


def test_an_asset_without_partitions_is_planned_once() -> None:
    kept = truthful([plan(key, day) for day in DAYS for key in (GATE, FEATURES)])
    assert planned(kept) == [(GATE, None), (FEATURES, None)]


def test_a_partitioned_asset_keeps_every_day() -> None:
    assert planned(truthful([plan(LOGS, day) for day in DAYS])) == [(LOGS, day) for day in DAYS]


def test_the_days_of_one_plan_are_planned_each_where_an_asset_has_days() -> None:
    days = DefaultPartitionsSubset(set(DAYS))
    whole = [
        entry(
            DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
            AssetMaterializationPlannedData(key, partition=None, partitions_subset=days),
        )
        for key in (LOGS, GATE)
    ]
    assert sorted(planned(truthful(whole)), key=str) == sorted([(GATE, None), *((LOGS, day) for day in DAYS)], key=str)


def test_a_check_of_an_asset_without_partitions_is_planned_as_a_whole() -> None:
    (kept,) = truthful([check_plan(GATE)])
    assert kept.get_dagster_event().asset_check_planned_data.partitions_subset is None
    (untouched,) = truthful([check_plan(LOGS)])
    assert untouched.get_dagster_event().asset_check_planned_data.partitions_subset is not None


def test_other_events_pass_in_their_order() -> None:
    events = [entry(DagsterEventType.RUN_ENQUEUED), plan(GATE, DAYS[0]), entry(DagsterEventType.RUN_STARTING)]
    assert [e.get_dagster_event().event_type for e in truthful(events)] == [
        DagsterEventType.RUN_ENQUEUED,
        DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        DagsterEventType.RUN_STARTING,
    ]


def test_telling_the_truth_twice_changes_nothing() -> None:
    once = truthful([plan(key, day) for day in DAYS for key in (LOGS, GATE)] + [check_plan(GATE)])
    assert truthful(once) == once
