"""Every file of the JSON parsing suite, as a whole record and as the payload of a good one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from collection.escapes import decode_value
from collection.importer import ImportReport

pytestmark = [pytest.mark.integration, pytest.mark.shared_data]
Import = Callable[[Sequence[bytes]], ImportReport]


def suite(shared_data: Path) -> dict[str, bytes]:
    files = {file.name: file.read_bytes() for file in (shared_data / "bad_input" / "json_test_suite").glob("*.json")}
    assert len(files) == 318
    return {name: content.rstrip(b"\n") for name, content in files.items()}


def outcomes(conn: psycopg.Connection) -> dict[str, str]:
    rows = conn.execute("select id, data::text from raw.system_logs").fetchall()
    return dict(rows)


def test_as_payload(conn: psycopg.Connection, import_lines: Import, shared_data: Path) -> None:
    files = suite(shared_data)
    # A newline outside a string is white space in JSON and a new record in JSON Lines.
    lines = {name: content.replace(b"\r", b" ").replace(b"\n", b" ") for name, content in files.items()}
    head = b'{"id":"%s","user":"u","action":"a","at":"2024-05-01T10:00:00Z","payload":%s}'
    report = import_lines([head % (name.encode(), content) for name, content in lines.items()])
    assert report.n_read == 318
    stored = outcomes(conn)
    good = {name for name in files if name.startswith("y_")}
    assert good <= stored.keys()
    for name in good:
        expected = json.loads(lines[name], parse_float=Decimal, parse_int=Decimal)
        found = json.loads(stored[name], parse_float=Decimal, parse_int=Decimal)
        assert decode_value(found)["payload"] == expected, name
    assert not [name for name in stored if name.startswith("n_") and not becomes_valid(lines[name])]


def becomes_valid(payload: bytes) -> bool:
    """Whether a broken document is repaired by what stands around it, as `1}` would be by none and ` ` never is."""
    try:
        json.loads(b'{"payload":' + payload + b"}", parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError, RecursionError):
        return False
    return True


def test_as_record(conn: psycopg.Connection, import_lines: Import, shared_data: Path) -> None:
    lines = [content.replace(b"\n", b" ") for content in suite(shared_data).values()]
    present = [content for content in lines if content.strip()]
    report = import_lines([b'{"id":"a","user":"u","action":"a","at":"2024-05-01T10:00:00Z"}', *lines])
    assert report.n_read == len(present) + 1
    assert report.n_stored == 1
    assert report.n_quarantined == len(present)
    assert conn.execute("select count(*) from raw.quarantine").fetchone() == (len(present),)
