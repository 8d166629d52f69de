"""A simulated file enters by the ordinary import: every event is stored, none is quarantined."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collection.importer import import_files
from collection.mapping import parse_mapping
from collection.simulator import SIMULATOR_MAPPING, Canaries, SimulationSpec, simulate, write_jsonl
from warehouse.database import Database


@pytest.mark.integration
def test_every_simulated_event_is_stored(database: Database, tmp_path: Path) -> None:
    made = simulate(SimulationSpec(n_events=1200, canaries=Canaries()))
    path = tmp_path / "simulated.jsonl.gz"
    write_jsonl(made, path)
    with database.connect("collection") as conn:
        report = import_files(
            conn,
            [path],
            parse_mapping(SIMULATOR_MAPPING),
            seal=lambda plain, _: plain,
            now=datetime(2026, 7, 1, tzinfo=UTC),
            has_basis=True,
        )
        stored = conn.execute(
            "select count(*), count(distinct user_id), min(created_at), max(created_at) from raw.system_logs"
        ).fetchone()
    at = made.events["created_at"].to_pylist()
    assert report.n_stored == 1200
    assert stored == (1200, len(set(made.events["user_id"].to_pylist()) - {None}), at[0], at[-1])
