"""Imports end to end on a real database: every record is somewhere, once, and a killed import ends the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import psycopg
import pytest

from collection import importer
from collection.errors import CountMismatchError
from collection.importer import ImportReport, import_files
from collection.imports import ImportCounts, advance_import
from collection.mapping import Mapping, parse_mapping
from collection.store import imported_subjects, stated_aliases, store_events
from tests.collection.conftest import NOW, PLAIN, line, seal
from warehouse.database import Database

pytestmark = pytest.mark.integration
Import = Callable[[Sequence[bytes]], ImportReport]
RECEIVED = "  received_at: {same_as: created_at}\n"
TABLES = {
    "raw.system_logs": "source, id",
    "raw.event_keys": "source, id",
    "raw.event_days": "event_day",
    "raw.quarantine": "import_id, record_no",
    "raw.imports": "import_id",
}


def contents(conn: psycopg.Connection, *, versions: bool = True) -> dict[str, list[tuple[object, ...]]]:
    found = {
        table: conn.execute(f"select t::text from {table} t order by {order}".encode()).fetchall()
        for table, order in TABLES.items()
    }
    if not versions:
        found["raw.event_days"] = conn.execute("select event_day, n_events from raw.event_days order by 1").fetchall()
    conn.rollback()
    return found


def test_an_event_is_stored_with_all_its_fields(conn: psycopg.Connection, import_lines: Import) -> None:
    report = import_lines([line("a", basket={"n": 2}, data={"price": 1.5})])
    assert report.counts == ImportCounts(1, 1, 0, 0, 0)
    row = conn.execute(
        "select id, user_id, event_type, event_source, action, data, metadata, session_id, created_at, received_at, "
        "source, event_day, length(fingerprint) from raw.system_logs"
    ).fetchone()
    at = datetime(2024, 5, 1, 10, tzinfo=UTC)
    data = {"basket": {"n": 2}, "price": 1.5}
    assert row == ("a", "u1", "order", "shop", "buy", data, {}, None, at, NOW, "shop", date(2024, 5, 1), 32)
    days = conn.execute("select event_day, n_events from raw.event_days").fetchall()
    assert days == [(date(2024, 5, 1), 1)]


def test_the_source_states_when_it_got_an_event(conn: psycopg.Connection, tmp_path: Path) -> None:
    mapping = parse_mapping(PLAIN + "  received_at: {timestamp: got}\n")
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\n".join([line("a", got="2024-05-03T00:00:00Z"), line("a", got="2024-05-04T00:00:00Z")]))
    report = import_files(conn, [file], mapping, seal=seal, now=NOW, has_basis=True)
    assert report.counts == ImportCounts(2, 1, 1, 0, 0), "another delivery is no other event"
    row = conn.execute("select received_at, imported_at from raw.system_logs").fetchone()
    assert row == (datetime(2024, 5, 3, tzinfo=UTC), NOW)
    assert imported_subjects(conn, report.import_ids) == [("u1", datetime(2024, 5, 1, 10, tzinfo=UTC))]


def test_old_events_whose_receipt_nobody_states_are_pointed_out(conn: psycopg.Connection, tmp_path: Path) -> None:
    file, notes = tmp_path / "f.jsonl", []
    for number, (at, stated) in enumerate([("2024-05-01", ""), ("2024-05-01", RECEIVED), (f"{NOW:%Y-%m-%d}", "")]):
        file.write_bytes(line(str(number), at=f"{at}T00:00:00Z"))
        report = import_files(conn, [file], parse_mapping(PLAIN + stated), seal=seal, now=NOW, has_basis=True)
        assert report.n_stored == 1
        notes.append(report.notes)
    assert notes[1:] == [(), ()]
    assert "known from 2024-06-01 on, 31 days after" in notes[0][0]


def test_a_key_that_both_have_keeps_the_data_object_nested(conn: psycopg.Connection, import_lines: Import) -> None:
    import_lines([line("a", x=1, data={"x": 2})])
    assert conn.execute("select data from raw.system_logs").fetchall() == [({"x": 1, "data": {"x": 2}},)]


def test_duplicates_are_not_stored_and_collisions_are_kept(conn: psycopg.Connection, import_lines: Import) -> None:
    first = import_lines([line("a"), line("b"), line("a"), line("b", action="sell")])
    assert first.counts == ImportCounts(4, 2, 1, 1, 0)
    assert first.codes == {"id_collision": 1}
    second = import_lines([line("a"), line("c"), line("b", action="return"), line("c", at="2024-05-02T10:00:00Z")])
    assert second.counts == ImportCounts(4, 1, 1, 2, 0)
    assert conn.execute("select id, action from raw.system_logs order by id").fetchall() == [
        ("a", "buy"),
        ("b", "buy"),
        ("c", "buy"),
    ]
    assert conn.execute(
        "select line, byte_offset from raw.quarantine where import_id = %s order by 1", second.import_ids
    ).fetchall() == [
        (3, len(line("a")) + len(line("c")) + 2),
        (4, sum(map(len, (line("a"), line("c")))) + 3 + len(line("b", action="return"))),
    ]


def test_a_repeat_of_a_collision_is_judged_by_what_is_stored(import_lines: Import) -> None:
    import_lines([line("a")])
    report = import_lines([line("a", action="sell"), line("a")])
    assert (report.n_duplicates, report.codes) == (1, {"id_collision": 1})


def test_identified_events_without_a_basis_are_refused(
    conn: psycopg.Connection, plain: Mapping, tmp_path: Path
) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\n".join([line("a"), line("b", user=None), line("c", user=""), b"{"]))
    report = import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=False)
    assert report.counts == ImportCounts(4, 1, 0, 1, 2)
    assert "--assume-consent" in (report.explanation or "")
    assert "consent:" in (report.explanation or "")
    assert conn.execute("select id from raw.system_logs").fetchall() == [("b",)]
    conn.rollback()
    again = import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=True)
    assert again.counts == ImportCounts(4, 2, 1, 1, 0)
    assert again.explanation is None
    assert imported_subjects(conn, again.import_ids) == [
        ("", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("u1", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    ]


WITH_ALIAS = PLAIN.replace("{field: user, optional: true}", "{first: [user, visitor]}")
WITH_ALIAS += "data: props\nidentity: {alias: [visitor, props.previous]}\n"


def test_events_state_other_ids_of_their_user(conn: psycopg.Connection, tmp_path: Path) -> None:
    """Inside the merged object or beside it, kept in data although another field reads it; the first said first."""
    file, mapping = tmp_path / "f.jsonl", parse_mapping(WITH_ALIAS)
    hour = "2024-05-01T{}:00:00Z".format
    records = [
        line("a", user=None, visitor="v1", at=hour("08")), line("b", visitor="v2", at=hour("12")),
        line("c", visitor="v1", at=hour("11")), line("d", visitor="v1"),
        line("e", user="u2", props={"previous": "v3", "x": 1}),
        line("f", user="u2", x=2, props={"previous": 7, "x": 1}),
        line("g", user="u3"),
    ]  # fmt: skip
    file.write_bytes(b"\n".join(records) + b"\n")
    report = import_files(conn, [file], mapping, seal=seal, now=NOW, has_basis=True)
    found = stated_aliases(conn, report.import_ids, mapping.alias_places())
    assert found == [("7", "u2"), ("v1", "u1"), ("v3", "u2"), ("v2", "u1")]
    assert stated_aliases(conn, report.import_ids, []) == []
    rows = conn.execute("select id, user_id, data from raw.system_logs order by id").fetchall()
    assert rows[:2] == [("a", "v1", {"visitor": "v1"}), ("b", "u1", {"visitor": "v2"})]


def test_a_completed_import_is_skipped(conn: psycopg.Connection, import_lines: Import) -> None:
    first = import_lines([line("a"), b"junk"])
    before = contents(conn)
    again = import_lines([line("a"), b"junk"])
    assert (again.n_read, again.n_skipped_files, again.import_ids) == (0, 1, first.import_ids)
    assert any("skipped" in note for note in again.notes)
    assert contents(conn) == before


def many_lines() -> bytes:
    rows = []
    for i in range(50):
        at = f"2024-05-{1 + i % 28:02d}T10:00:00Z"
        rows.append(line(str(i % 40), at=at) if i % 7 else b"{bad")
    return b"\n".join(rows)


SESSIONS = PLAIN + "  session_id: {session: {gap_minutes: 60, by: [user_id]}}\n"


@pytest.mark.parametrize("kill_at", range(1, 6))
@pytest.mark.parametrize("when", ["before commit", "after commit"])
def test_a_killed_import_ends_in_the_same_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kill_at: int, when: str
) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(many_lines())
    mapping = parse_mapping(SESSIONS)
    monkeypatch.setattr("collection.jsonlines.BATCH_RECORDS", 10)
    with database.connect("collection") as conn:
        original = advance_import
        calls = iter(range(1, 1000))

        def killed(*arguments: object) -> None:
            original(*arguments)  # type: ignore[arg-type]
            if next(calls) == kill_at:
                raise KeyboardInterrupt

        def killed_later(_: ImportCounts) -> None:
            if next(calls) == kill_at:
                raise KeyboardInterrupt

        if when == "before commit":
            monkeypatch.setattr(importer, "advance_import", killed)
        progress = killed_later if when == "after commit" else None
        with pytest.raises(KeyboardInterrupt):
            import_files(conn, [file], mapping, seal=seal, now=NOW, has_basis=True, progress=progress)
        monkeypatch.setattr(importer, "advance_import", original)
        monkeypatch.setattr("collection.jsonlines.BATCH_RECORDS", 7 if when == "before commit" else 10)
        later = NOW + timedelta(hours=1) if when == "after commit" and kill_at < 5 else NOW
        report = import_files(conn, [file], mapping, seal=seal, now=later, has_basis=True)
        resumed = contents(conn, versions=False)
        conn.execute("delete from raw.system_logs; delete from raw.event_keys; delete from raw.event_days")
        conn.execute("delete from raw.quarantine; delete from raw.imports")
        conn.commit()
        monkeypatch.setattr("collection.jsonlines.BATCH_RECORDS", 10)
        whole = import_files(conn, [file], mapping, seal=seal, now=NOW, has_basis=True)
        straight = contents(conn, versions=False)
    assert report.counts == whole.counts
    assert report.import_ids == whole.import_ids
    if later != NOW:
        del resumed["raw.imports"], straight["raw.imports"]
    assert resumed == straight


def test_counts_that_do_not_add_up_are_an_error(
    conn: psycopg.Connection, import_lines: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_events
    monkeypatch.setattr(importer, "store_events", lambda *a, **k: replace(store(*a, **k), n_stored=0))
    with pytest.raises(CountMismatchError, match="1 records read but 0"):
        import_lines([line()])
    assert conn.execute("select count(*) from raw.system_logs").fetchone() == (0,)


def test_json_that_only_the_database_refuses_is_isolated(import_lines: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collection.records._ESCAPED", ())
    report = import_lines([line("a"), line("b", note="x\x00y"), line("c")])
    assert report.counts == ImportCounts(3, 2, 0, 1, 0)
    assert report.codes == {"refused_by_database": 1}


def test_several_files_and_progress(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    names = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    names[0].write_bytes(line("a"))
    names[1].write_bytes(line("b", at="2023-01-01T00:00:00Z"))
    seen: list[ImportCounts] = []
    report = import_files(conn, names, plain, seal=seal, now=NOW, has_basis=True, progress=seen.append)
    assert seen == [ImportCounts(1, 1), ImportCounts(1, 1)]
    assert (report.n_stored, report.first_event_on, report.last_event_on) == (2, date(2023, 1, 1), date(2024, 5, 1))


def test_a_derived_session_is_no_content(conn: psycopg.Connection, tmp_path: Path) -> None:
    mapping = parse_mapping(SESSIONS)
    rows = [line(str(i), at=f"2024-05-01T{10 + i:02d}:{i * 10:02d}:00Z") for i in range(3)]
    rows.append(orjson.dumps(orjson.loads(line("4", user=None))))
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(rows))
    (tmp_path / "b.jsonl").write_bytes(b"\n".join(rows[1:]))
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    report = import_files(conn, files, mapping, seal=seal, now=NOW, has_basis=True)
    assert report.counts == ImportCounts(7, 4, 3, 0, 0)
    sessions = [s for (s,) in conn.execute("select session_id from raw.system_logs order by id").fetchall()]
    assert len(set(sessions[:3])) == 3
    assert sessions[3] is None


def test_a_refused_import_is_refused_again(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join([line("a"), line("b", user=None)]))
    for stored, known in ((1, 0), (0, 1)):
        report = import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=False)
        assert report.counts == ImportCounts(2, stored, known, 0, 1)
        assert "--assume-consent" in (report.explanation or "")
