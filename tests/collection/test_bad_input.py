"""What bad files and bad records get: a typed error that names the remedy, or one quarantined record; never a crash."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
import zstandard

from collection import errors
from collection.escapes import decode_text, decode_value
from collection.importer import ImportReport, import_files
from collection.mapping import Mapping
from tests.collection.conftest import NOW, line, seal

pytestmark = pytest.mark.integration
Import = Callable[[Sequence[bytes]], ImportReport]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}


@pytest.fixture
def import_bytes(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> Callable[[str, bytes], ImportReport]:
    def run(name: str, content: bytes) -> ImportReport:
        (tmp_path / name).write_bytes(content)
        return import_files(conn, [tmp_path / name], plain, seal=seal, now=NOW, has_basis=True)

    return run


Bytes = Callable[[str, bytes], ImportReport]


def nothing_stored(conn: psycopg.Connection) -> bool:
    tables = ("system_logs", "event_keys", "event_days", "quarantine", "imports")
    counts = [conn.execute(f"select count(*) from raw.{table}".encode()).fetchone() for table in tables]
    return counts == [(0,)] * len(tables)


def test_a_missing_file_stops_before_the_others(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(line())
    files = [tmp_path / "good.jsonl", tmp_path / "absent.jsonl"]
    with pytest.raises(errors.MissingFileError, match=r"absent\.jsonl does not exist: check"):
        import_files(conn, files, plain, seal=seal, now=NOW, has_basis=True)
    assert nothing_stored(conn)


def test_a_folder_is_unreadable(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    with pytest.raises(errors.UnreadableFileError, match="cannot be read"):
        import_files(conn, [tmp_path], plain, seal=seal, now=NOW, has_basis=True)


def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "secret.jsonl"
    file.write_bytes(line())
    file.chmod(0)
    drop = "os.chdir('/'); os.seteuid(65534); " if os.geteuid() == 0 else ""
    code = (
        f"import os, sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from pathlib import Path\nfrom collection.files import inspect_file\n"
        "from collection.errors import UnreadableFileError\nimport lzma, zstandard\n"
        f"{drop}\ntry:\n    inspect_file(Path({str(file)!r}))\nexcept UnreadableFileError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("refused", 0), done.stderr


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", gzip.compress(b"", mtime=0)], ids=["nothing", "blank", "gz"])
def test_an_empty_file(conn: psycopg.Connection, import_bytes: Bytes, content: bytes) -> None:
    with pytest.raises(errors.EmptyFileError, match=r"empty|no records"):
        import_bytes("f.jsonl", content)
    assert nothing_stored(conn)


@pytest.mark.parametrize("kind", COMPRESS)
def test_compression_is_told_by_content(import_bytes: Bytes, kind: str) -> None:
    report = import_bytes(f"f.jsonl.{kind}", COMPRESS[kind](line()))
    assert (report.n_stored, report.notes[:-1]) == (1, ())
    misnamed = import_bytes("g.jsonl", COMPRESS[kind](line("2")))
    assert misnamed.n_stored == 1
    assert "whatever its name says" in misnamed.notes[0]


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_archive_stores_nothing(
    conn: psycopg.Connection, import_bytes: Bytes, kind: str, damage: str
) -> None:
    import random

    noise = random.Random(1)  # noqa: S311 - incompressible filler
    whole = COMPRESS[kind](b"\n".join(line(str(i), x=noise.random()) for i in range(3_000)))
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes(64) + whole[middle + 64 :]
    with pytest.raises(errors.TruncatedFileError, match="nothing of it was imported"):
        import_bytes("f.jsonl", whole[:middle] if damage == "cut" else flipped)
    assert nothing_stored(conn)


def test_wrong_extensions_are_seen_through(import_bytes: Bytes) -> None:
    table = b"id,user,action,at\n1,u,buy,2024-05-01T10:00:00Z\n"
    report = import_bytes("f.jsonl", table)
    seen_through, _ = report.notes
    assert (report.n_stored, seen_through) == (1, "f.jsonl holds csv, whatever its name says; read as what it is")
    assert import_bytes("g.csv", line("2")).n_stored == 1
    gzipped = import_bytes("h.jsonl.gz", line("3"))
    assert "is not compressed" in gzipped.notes[0]


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("f.jsonl", bytes(range(256)) * 40, "name another file"),
        ("f.bin", b"hello world\n", "convert it"),
        ("f.json", b'[\n {"id": 1}\n]', "jq -c"),
        ("f.jsonl", '{"id":1}'.encode("utf-16"), "iconv"),
        ("f.csv", b"a,a\n1,2\n", "header of distinct"),
    ],
)
def test_what_is_no_log_is_refused(
    conn: psycopg.Connection, import_bytes: Bytes, name: str, content: bytes, remedy: str
) -> None:
    with pytest.raises(errors.UnknownFormatError, match=remedy):
        import_bytes(name, content)
    assert nothing_stored(conn)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"id":"x","action":"\xff\xfe"}', "not_utf8"),
        (b'{"id":"x\x00"}', "nul_byte"),
        (b"\x00\x01\x02\xff" * 100, "not_utf8"),
        (b'{"id":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "too_deep"),
        (line("x", deep=None).replace(b"null", b"[" * 300 + b"]" * 300), "too_deep"),
        (line("x", n=None).replace(b"null", b"NaN"), "not_a_number"),
        (line("x", n=None).replace(b"null", b"-Infinity"), "not_a_number"),
        (line("x", n=None).replace(b"null", b"1e999999"), "number_out_of_range"),
        (line("x", s="?").replace(b"?", rb"\ud800"), "bad_json"),
        (b"[1]", "not_an_object"),
        (b"{", "bad_json"),
        (line("x", at=None), "missing_timestamp"),
        (b'{"id":"x","action":"a"}', "missing_timestamp"),
        (line("x", at="soon"), "bad_timestamp"),
        (line("x", at=5), "bad_timestamp"),
        (line("x", at="0000-01-01T00:00:00Z"), "timestamp_out_of_range"),
        (line("x", at="1969-12-31T23:59:59Z"), "timestamp_out_of_range"),
        (line("x", at="9999-12-31T23:59:59Z"), "future_timestamp"),
        (line("x", at="2024-06-02T12:00:01Z"), "future_timestamp"),
        (line(""), "missing_id"),
        (line("x", id=None), "missing_id"),
        (line("x" * 1025), "value_too_long"),
        (line("x", action=None), "missing_field"),
        (line("x", action=["buy"]), "bad_type"),
    ],
)
def test_one_bad_record_is_quarantined_and_the_rest_goes_on(
    conn: psycopg.Connection, import_lines: Import, bad: bytes, code: str
) -> None:
    report = import_lines([line("a"), bad, line("b")])
    assert report.codes == {code: 1}
    assert report.n_stored == 2
    row = conn.execute("select line, byte_offset, code, hint, sealed from raw.quarantine").fetchone()
    assert row is not None
    assert row[:3] == (2, len(line("a")) + 1, code)
    assert bad not in bytes(row[4])
    assert not any(value in row[3] for value in ("soon", "buy", "9999-12", "xxxx"))


def test_a_line_of_50_megabytes_is_one_record(conn: psycopg.Connection, import_bytes: Bytes) -> None:
    import tracemalloc

    long = line("long", text="x" * 50_000_000)
    content = gzip.compress(b"\n".join([line("a"), long, line("b"), b"{", line("c")]), 1)
    tracemalloc.start()
    report = import_bytes("f.jsonl.gz", content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.n_stored, report.codes) == (3, {"bad_json": 1, "record_too_long": 1})
    rows = conn.execute("select line, byte_offset, length(sealed) from raw.quarantine order by line").fetchall()
    start = len(line("a")) + 1
    assert [row[:2] for row in rows] == [(2, start), (4, start + len(long) + 1 + len(line("b")) + 1)]
    assert rows[0][2] >= len(long), "the whole line is kept"
    assert peak < 20 * len(long), "one record at a time is in memory, however long the file"


def test_numbers_beyond_64_bit_are_exact(conn: psycopg.Connection, import_lines: Import) -> None:
    texts = ["123456789012345678901234567890", "-9223372036854775809", "0.12345678901234567890123", "1e400", "2.5E-310"]
    nul = line("nul", **{"k\x00": "v\x00\x1a0"})
    report = import_lines([*(line(t, n="?").replace(b'"?"', t.encode()) for t in texts), nul])
    assert report.codes == {}
    rows = conn.execute(
        "select id, (data->>'n')::numeric = id::numeric from raw.system_logs where id <> 'nul'"
    ).fetchall()
    assert sorted(rows) == sorted((text, True) for text in texts)
    (found,) = conn.execute("select data from raw.system_logs where id = 'nul'").fetchone() or (None,)
    assert decode_value(found) == {"k\x00": "v\x00\x1a0"}


def test_a_byte_order_mark_and_blank_lines_are_no_records(conn: psycopg.Connection, import_lines: Import) -> None:
    report = import_lines([b"\xef\xbb\xbf" + line("a"), b"", b"  \r", line("b") + b"\r", b"{"])
    assert (report.n_read, report.n_stored) == (3, 2)
    assert conn.execute("select line, record_no from raw.quarantine").fetchall() == [(5, 3)]


def test_a_mapping_that_names_absent_fields(conn: psycopg.Connection, tmp_path: Path, plain: Mapping) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(b'{"id":"1","at":"2024-05-01T10:00:00Z"}')
    with pytest.raises(errors.MappingError, match="names /action, which no record at the start of f"):
        import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=True)
    assert nothing_stored(conn)


def test_every_hostile_string_survives(conn: psycopg.Connection, import_lines: Import, shared_data: Path) -> None:
    import json

    strings = json.loads((shared_data / "bad_input" / "blns.json").read_text("utf-8"))
    assert len(strings) == 515
    rows = [
        json.dumps({"id": f"{i}-{s}", "user": s, "action": s, "at": "2024-05-01T10:00:00Z", "text": s, s: s}).encode()
        for i, s in enumerate(strings)
        if s not in ("id", "user", "action", "at", "text")
    ]
    report = import_lines(rows)
    assert report.counts.n_stored == len(rows)
    found = conn.execute("select user_id, action, data->>'text', data ->> user_id from raw.system_logs").fetchall()
    assert sorted(tuple(map(decode_text, row)) for row in found) == sorted((s, s, s, s) for s in strings)
    ids = import_lines(
        [json.dumps({**json.loads(row), "id": s, "n": 1}).encode() for row, s in zip(rows, strings, strict=True)]
    )
    assert ids.n_read == ids.n_stored + ids.n_duplicates + ids.n_quarantined
    assert ids.codes.keys() <= {"missing_id", "id_collision"}
    assert ids.n_stored == len(set(strings) - {""})


def test_messages_hold_no_values(import_lines: Import, caplog: pytest.LogCaptureFixture) -> None:
    import_lines([line("a"), line("canary-7f3a", at="canary-7f3a"), b'{"canary-7f3a":'])
    assert "canary-7f3a" not in caplog.text
