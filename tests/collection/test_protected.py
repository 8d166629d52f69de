"""What a caller seals before storing is stored sealed, and the same event is still known again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from collection import quarantine
from collection.importer import ImportReport, import_files
from collection.imports import ImportCounts
from collection.mapping import Mapping, parse_mapping
from tests.collection.conftest import NOW, PLAIN, line, seal, unseal

pytestmark = pytest.mark.integration


def protect(events: pa.Table) -> pa.Table:
    """A stand-in for the vault: another payload and fingerprint for every event, equal ones for equal events."""
    prints = ["\\x" + hashlib.sha256(text.encode()).hexdigest() for text in events["fingerprint"].to_pylist()]
    data = pa.array(['{"note":"sealed"}'] * events.num_rows)
    events = events.set_column(events.schema.get_field_index("data"), "data", data)
    return events.set_column(events.schema.get_field_index("fingerprint"), "fingerprint", pa.array(prints))


def run(conn: psycopg.Connection, mapping: Mapping, folder: Path, lines: Sequence[bytes]) -> ImportReport:
    file = folder / "lines.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return import_files(conn, [file], mapping, seal=seal, now=NOW, has_basis=True, protect=protect)


def test_what_is_stored_is_what_the_caller_made_of_it(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    assert run(conn, plain, tmp_path, [line("a", note="plain")]).counts == ImportCounts(1, 1, 0, 0, 0)
    assert conn.execute("select data from raw.system_logs").fetchall() == [({"note": "sealed"},)]


def test_repeats_and_collisions_are_told_apart_as_before(
    conn: psycopg.Connection, plain: Mapping, tmp_path: Path
) -> None:
    first = [line("a", note="x"), line("a", note="x"), line("a", note="other"), line("b")]
    assert run(conn, plain, tmp_path, first).counts == ImportCounts(4, 2, 1, 1, 0)
    later = [line("a", note="x"), line("b", note="other"), line("c")]
    assert run(conn, plain, tmp_path, later).counts == ImportCounts(3, 1, 1, 1, 0)


def test_a_replayed_record_is_protected_too(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    run(conn, plain, tmp_path, [line("a", action=None, verb="sell", note="plain")])
    fixed = parse_mapping(PLAIN.replace("action: action", "action: {first: [action, verb]}"))
    report = quarantine.replay(conn, fixed, unseal=unseal, now=NOW, has_basis=True, protect=protect)
    assert report.n_stored == 1
    assert conn.execute("select data from raw.system_logs").fetchall() == [({"note": "sealed"},)]
