"""A person's key destroyed: their prompts are gone from archives and backups too, and everybody else's are not."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet
import pytest

from collection.importer import ImportReport, import_files
from collection.mapping import parse_mapping
from privacy.vault import Vault
from privacy.vault.payloads import PREFIX
from privacy.vault.texts import seal_events, unseal_events
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
MAPPING = parse_mapping(
    """
source: assistant
fields:
  id: id
  user_id: {field: user, optional: true}
  event_type: type
  action: {constant: say}
  created_at: {timestamp: at}
  data_classification: {constant: sensitive}
  retention_policy: {constant: short_term}
"""
)
GONE, STAYS = "gone", "stays"
TEXTS = {("ai", GONE): "my illness", ("ai", STAYS): "my garden", ("ai", None): "nobody in particular"}


def import_events(database: Database, vault: Vault, folder: Path, n: int = 1) -> ImportReport:
    rows = [
        {"id": f"{n}-{i}", "user": user, "type": kind, "at": "2024-05-01T10:00:00Z", "prompt": text, "n_tokens": i}
        for i, ((kind, user), text) in enumerate(TEXTS.items())
    ]
    rows.append({"id": "ui", "user": STAYS, "type": "ui", "at": "2024-05-01T10:00:00Z", "prompt": "Name:"})
    file = folder / f"{n}.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    with database.connect("collection") as conn:
        protect = partial(seal_events, vault=vault)
        return import_files(conn, [file], MAPPING, seal=vault.seal, now=NOW, has_basis=True, protect=protect)


def rows_of(conn: psycopg.Connection, table: str) -> pa.Table:
    rows = conn.execute(f"select event_type, user_id, data::text from {table} where event_type = 'ai'".encode())
    types, users, data = zip(*rows.fetchall(), strict=True)
    return pa.table({"event_type": types, "user_id": users, "data": data})


def opened(vault: Vault, rows: pa.Table) -> dict[str | None, str | None]:
    """What a reader sees of each person's prompt."""
    read = unseal_events(rows, vault)
    pairs = zip(read["user_id"].to_pylist(), read["data"].to_pylist(), strict=True)
    return {user: json.loads(text)["prompt"] for user, text in pairs}


def test_a_destroyed_key_takes_its_subjects_texts_from_every_copy(database: Database, tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "vault")
    assert import_events(database, vault, tmp_path).n_stored == 4
    with database.connect(ADMIN) as conn:
        live = rows_of(conn, "raw.system_logs")
        conn.execute("create table raw.backup as select * from raw.system_logs")
        backup = rows_of(conn, "raw.backup")
        conn.rollback()
    pa.parquet.write_table(live, tmp_path / "archive.parquet")
    shutil.copytree(tmp_path / "vault", tmp_path / "old-vault")
    everybody = {user: text for (_, user), text in TEXTS.items()}
    assert opened(vault, live) == everybody

    assert vault.forget([GONE]) == 1
    archive = pa.parquet.read_table(tmp_path / "archive.parquet")
    shutil.rmtree(tmp_path / "vault")
    shutil.copytree(tmp_path / "old-vault", tmp_path / "vault")
    for reader in (vault, Vault.open(tmp_path / "vault")):
        for copy in (live, backup, archive):
            assert opened(reader, copy) == everybody | {GONE: None}


def test_no_text_is_stored_in_the_clear_and_the_rest_is(database: Database, tmp_path: Path) -> None:
    import_events(database, Vault.open(tmp_path / "vault"), tmp_path)
    with database.connect(ADMIN) as conn:
        stored = [row[0] for row in conn.execute("select data from raw.system_logs order by id").fetchall()]
    assert [row["prompt"].startswith(PREFIX) for row in stored] == [True, True, True, False]
    assert [row.get("n_tokens") for row in stored] == [0, 1, 2, None]
    assert not any(text in json.dumps(stored) for text in TEXTS.values())


def test_the_stored_fingerprint_confirms_no_guess(database: Database, tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "vault")
    import_events(database, vault, tmp_path)
    with database.connect(ADMIN) as conn:
        sealed = conn.execute("select id, fingerprint from raw.system_logs where event_type = 'ai'").fetchall()
        conn.execute("truncate raw.system_logs, raw.event_keys, raw.imports")
    with database.connect("collection") as conn:
        file = tmp_path / "1.jsonl"
        import_files(conn, [file], MAPPING, seal=vault.seal, now=NOW, has_basis=True)
    with database.connect(ADMIN) as conn:
        plain = conn.execute("select id, fingerprint from raw.system_logs where event_type = 'ai'").fetchall()
    assert len(plain) == len(sealed) == 3
    assert not {bytes(row[1]) for row in plain} & {bytes(row[1]) for row in sealed}


def test_an_event_met_again_is_a_duplicate_though_it_would_be_sealed_otherwise(
    database: Database, tmp_path: Path
) -> None:
    vault = Vault.open(tmp_path / "vault")
    import_events(database, vault, tmp_path)
    (tmp_path / "again").mkdir()
    lines = (tmp_path / "1.jsonl").read_text().splitlines()
    (tmp_path / "again" / "1.jsonl").write_text("\n".join(lines[::-1]))
    with database.connect("collection") as conn:
        protect = partial(seal_events, vault=vault)
        files = [tmp_path / "again" / "1.jsonl"]
        report = import_files(conn, files, MAPPING, seal=vault.seal, now=NOW, has_basis=True, protect=protect)
    assert (report.n_duplicates, report.n_stored, report.n_quarantined) == (4, 0, 0)
