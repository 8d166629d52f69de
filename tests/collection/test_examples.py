"""The mappings in examples/ against the third-party files they are made for."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from collection.importer import import_files
from collection.mapping import load_mapping
from tests.collection.conftest import seal

pytestmark = [pytest.mark.integration, pytest.mark.shared_data]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_git_activity(conn: psycopg.Connection, shared_data: Path, tmp_path: Path) -> None:
    mapping = load_mapping(EXAMPLES / "git_activity" / "mapping.yaml")
    with gzip.open(shared_data / "git_activity" / "git_activity.jsonl.gz") as whole:
        head = [next(whole) for _ in range(2_000)]
    (tmp_path / "f.jsonl").write_bytes(b"".join(head))
    report = import_files(conn, [tmp_path / "f.jsonl"], mapping, seal=seal, now=NOW, has_basis=True)
    assert (report.n_read, report.n_quarantined) == (2_000, 0)
    assert report.n_stored == len(set(head))
    keys = conn.execute("select distinct jsonb_object_keys(data) from raw.system_logs").fetchall()
    assert {key for (key,) in keys} == {"project", "is_bot", "n_files", "status", "exts", "subject_len"}
    assert set(mapping.consent["purposes"]) == {"analytics", "model_training", "personalization", "sharing"}
    ruled = {rule["path"].split("/")[2] for rule in mapping.classification}
    assert ruled == {key for (key,) in keys}
    assert mapping.training["train_before"] == date(2024, 1, 1)


def test_web_events(conn: psycopg.Connection, shared_data: Path) -> None:
    mapping = load_mapping(EXAMPLES / "web_events" / "mapping.yaml")
    file = shared_data / "web_events" / "snowplow_web_events.csv"
    report = import_files(conn, [file], mapping, seal=seal, now=NOW, has_basis=True)
    assert report.n_read == 160
    assert report.n_stored + report.n_duplicates + report.n_quarantined == 160
    assert report.codes.keys() <= {"id_collision"}
    assert report.n_stored == 157
