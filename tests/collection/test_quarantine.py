from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from collection.importer import ImportReport, import_files
from collection.mapping import Mapping, parse_mapping
from collection.quarantine import (
    NoSuchRecordError,
    ReplayReport,
    count_quarantine,
    list_quarantine,
    replay,
    show_record,
)
from collection.store import imported_subjects
from tests.collection.conftest import NOW, PLAIN, line, seal, unseal

pytestmark = pytest.mark.integration
Import = Callable[[Sequence[bytes]], ImportReport]
FIXED = parse_mapping(PLAIN.replace("action: action", "action: {first: [action, verb]}"))


def test_listing_shows_places_and_no_values(conn: psycopg.Connection, import_lines: Import) -> None:
    report = import_lines([line("a"), line("canary", action=None), b"{canary"])
    assert count_quarantine(conn) == {"bad_json": 1, "missing_field": 1}
    listed = list_quarantine(conn)
    assert [(r.record_no, r.place.line, r.code, r.path) for r in listed] == [
        (2, 2, "missing_field", "/action"),
        (3, 3, "bad_json", None),
    ]
    assert "canary" not in repr(listed)
    assert list_quarantine(conn, code="bad_json") == listed[1:]
    (import_id,) = report.import_ids
    assert show_record(conn, import_id, 3, unseal=unseal) == b"{canary"
    with pytest.raises(NoSuchRecordError, match="no record 9"):
        show_record(conn, import_id, 9, unseal=unseal)


def test_replay_stores_each_exactly_once(conn: psycopg.Connection, import_lines: Import) -> None:
    bad = [line("b", action=None, verb="sell"), line("a", action=None, verb="buy"), b"{", line("c", action=None)]
    report = import_lines([line("a"), *bad, line("d", action=None, verb="x", at="2023-01-01T00:00:00Z", user="u2")])
    assert report.n_quarantined == 5
    later = NOW + timedelta(days=3)
    again = replay(conn, FIXED, unseal=unseal, now=later, has_basis=True)
    assert again == ReplayReport(n_tried=5, n_stored=2, n_duplicates=1, n_refused=0, n_still_bad=2)
    assert replay(conn, FIXED, unseal=unseal, now=later, has_basis=True).n_stored == 0
    ids = conn.execute("select id, received_at from raw.system_logs order by id").fetchall()
    assert ids == [("a", NOW), ("b", NOW), ("d", NOW)]
    assert conn.execute("select sum(n_events) from raw.event_days").fetchone() == (3,)
    done = conn.execute("select record_no, replayed_at from raw.quarantine where replayed_at is not null order by 1")
    assert done.fetchall() == [(2, later), (3, later), (6, later)]
    assert [user for user, _ in imported_subjects(conn, report.import_ids)] == ["u1", "u2"]


def test_replay_refuses_identified_events_without_a_basis(conn: psycopg.Connection, import_lines: Import) -> None:
    import_lines([line("a"), line("b", action=None, verb="sell")])
    report = replay(conn, FIXED, unseal=unseal, now=NOW, has_basis=False)
    assert (report.n_refused, report.n_stored) == (1, 0)
    assert count_quarantine(conn) == {"missing_field": 1}


def test_csv_rows_can_be_replayed(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes(b"id,user,action,verb,at\n1,u,buy,,2024-05-01T10:00:00Z\n2,u,,sell,2024-05-01T10:00:00Z\n")
    assert import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=True).n_quarantined == 1
    assert replay(conn, FIXED, unseal=unseal, now=NOW, has_basis=True).n_stored == 1


def test_a_row_moved_to_another_place_does_not_open(conn: psycopg.Connection, import_lines: Import) -> None:
    (import_id,) = import_lines([line("a"), b"{"]).import_ids
    conn.execute("update raw.quarantine set record_no = 7")
    with pytest.raises(AssertionError):
        show_record(conn, import_id, 7, unseal=unseal)
