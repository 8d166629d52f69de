"""A database without room: the batch at hand is not stored, the ones before are, and the next run goes on."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from collection import importer
from collection.errors import WarehouseFullError
from collection.importer import import_files
from collection.mapping import Mapping
from collection.store import Stored, store_events
from tests.collection.conftest import NOW, line, seal
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration


def test_full_then_resumed(
    conn: psycopg.Connection, plain: Mapping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself raises SQLSTATE 53100, after the batch's rows were written."""
    file = tmp_path / "f.jsonl"
    file.write_bytes(b"\n".join(line(str(i)) for i in range(30)))
    monkeypatch.setattr("collection.jsonlines.BATCH_RECORDS", 10)
    original = store_events
    n_calls = 0

    def filling(conn: psycopg.Connection, *arguments: object, **named: object) -> Stored:
        nonlocal n_calls
        n_calls += 1
        stored = original(conn, *arguments, **named)  # type: ignore[arg-type]
        if n_calls == 2:
            conn.execute("do $$ begin raise exception 'no space left' using errcode = '53100'; end $$")
        return stored

    monkeypatch.setattr(importer, "store_events", filling)
    with pytest.raises(WarehouseFullError, match="10 records are dealt with and nothing is half-written; make room"):
        import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=True)
    assert conn.execute("select count(*) from raw.system_logs").fetchone() == (10,)
    assert conn.execute("select n_read, finished_at from raw.imports").fetchone() == (10, None)
    conn.rollback()
    assert import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=True).n_stored == 30


@pytest.fixture
def small_tablespace(template: Database) -> Iterator[str]:
    """A tablespace on a file system of 3 MiB; skips where mounting one is not allowed or the server is elsewhere."""
    server = replace(template, address=replace(template.address, database="postgres"))
    folder = Path(tempfile.mkdtemp(prefix="lethe-small-disk-"))
    with server.connect(ADMIN, autocommit=True) as conn:
        (data,) = conn.execute("show data_directory").fetchone() or ("",)
        owner = Path(data).stat().st_uid if data and Path(data).exists() else os.getuid()
        mount = ["mount", "-t", "tmpfs", "-o", f"size=3m,uid={owner},mode=700", "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
            folder.rmdir()
            pytest.skip("a small file system cannot be mounted here")
        try:
            conn.execute(f"create tablespace small location '{folder}'".encode())
            conn.execute("grant create on tablespace small to public")
            yield "small"
            conn.execute("drop tablespace small")
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
            folder.rmdir()


def test_a_disk_that_fills(
    small_tablespace: str, conn: psycopg.Connection, plain: Mapping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partitions on a file system of 3 MiB and 8 MB of events: typed error, whole batches only, consistent counts."""
    monkeypatch.setattr("collection.jsonlines.BATCH_RECORDS", 500)
    conn.execute(f"set default_tablespace = {small_tablespace}".encode())
    conn.commit()
    file = tmp_path / "f.jsonl"
    noise = random.Random(1)  # noqa: S311 - incompressible filler
    file.write_bytes(b"\n".join(line(str(i), text=noise.randbytes(1_000).hex()) for i in range(4_000)))
    with pytest.raises(WarehouseFullError, match="make room and run the same command again"):
        import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=True)
    n_read, n_stored = conn.execute("select n_read, n_stored from raw.imports").fetchone() or (0, 0)
    assert 0 < n_read == n_stored < 4_000
    assert n_read % 500 == 0
    for table in ("system_logs", "event_keys"):
        assert conn.execute(f"select count(*) from raw.{table}".encode()).fetchone() == (n_stored,)
