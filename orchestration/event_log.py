"""Dagster's PostgreSQL event log, with the plans of a long backfill written in bulk and only where they are true.

Dagster 1.13 plans every asset and check of a partitioned job for every partition, those without partitions too, and
writes each plan in a transaction of its own: 13 years of days took minutes before any work. Here it says the days of an
asset in one plan, which becomes one for each day where the asset has days, and one where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagster import AssetKey, DagsterEvent, DagsterEventType
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import AssetMaterializationPlannedData
from dagster._core.events.log import EventLogEntry
from dagster._serdes import ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage
from dagster_postgres.utils import pg_url_from_config

from orchestration.assets.partitions import PARTITIONED

ROWS_PER_STATEMENT = 1_000


class BulkEventLogStorage(PostgresEventLogStorage):
    """PostgresEventLogStorage that stores a batch of planned materialisations set-wise."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> BulkEventLogStorage:
        """Built by Dagster from dagster.yaml; `postgres_url` as for the parent."""
        return cls(inst_data=inst_data, postgres_url=pg_url_from_config(config_value))

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """One event for the days of an asset: what is stored of them is decided in `truthful`."""
        return True

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events; planned materialisations in few statements, everything else as Dagster does."""
        events = truthful(events)
        planned = [event for event in events if _is_planned(event)]
        if others := [event for event in events if not _is_planned(event)]:
            super().store_event_batch(others)
        for start in range(0, len(planned), ROWS_PER_STATEMENT):
            with self._connect() as conn:
                conn.execute(self.prepare_insert_event_batch(planned[start : start + ROWS_PER_STATEMENT]))
        last_of_asset = {event.get_dagster_event().asset_key: event for event in planned}
        with self.index_connection() as conn:
            for event in last_of_asset.values():
                # The event id is kept for materialisations and observations only; a plan has none to keep.
                self._store_asset_event(conn, event, 0)


def truthful(events: Sequence[EventLogEntry]) -> list[EventLogEntry]:
    """One plan for each partition of an asset that has some, one for an asset that has none; its checks as a whole."""
    kept: list[EventLogEntry] = []
    seen: set[AssetKey] = set()
    for entry in events:
        event = entry.get_dagster_event()
        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            kept.append(_without_check_partitions(entry, event))
        elif not _is_planned(entry):
            kept.append(entry)
        elif event.asset_key in PARTITIONED:
            kept += _for_each_partition(entry, event)
        elif event.asset_key is not None and event.asset_key not in seen:
            seen.add(event.asset_key)
            plan = AssetMaterializationPlannedData(event.asset_key, partition=None, partitions_subset=None)
            kept.append(_with_data(entry, event, plan))
    return kept


def _for_each_partition(entry: EventLogEntry, event: DagsterEvent) -> list[EventLogEntry]:
    days = event.asset_materialization_planned_data.partitions_subset
    if days is None or event.asset_key is None:
        return [entry]
    plans = (AssetMaterializationPlannedData(event.asset_key, partition=day) for day in days.get_partition_keys())
    return [_with_data(entry, event, plan) for plan in plans]


def _without_check_partitions(entry: EventLogEntry, event: DagsterEvent) -> EventLogEntry:
    planned = event.asset_check_planned_data
    if planned.partitions_subset is None or planned.asset_key in PARTITIONED:
        return entry
    return _with_data(
        entry, event, AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
    )


def _with_data(entry: EventLogEntry, event: DagsterEvent, data: Any) -> EventLogEntry:
    changed: EventLogEntry = entry._replace(dagster_event=event._replace(event_specific_data=data))
    return changed


def _is_planned(event: EventLogEntry) -> bool:
    return event.get_dagster_event().event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED
