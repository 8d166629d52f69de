"""Fixtures of the collection tests: an open connection, a plain mapping, and imports of lines given in the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from collection.importer import ImportReport, import_files
from collection.mapping import Mapping, parse_mapping
from warehouse.database import Database

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
PLAIN = """
source: shop
fields:
  id: id
  user_id: {field: user, optional: true}
  event_type: {constant: order}
  action: action
  created_at: {timestamp: at}
  data_classification: {constant: personal}
  retention_policy: {constant: short_term}
"""


def seal(plaintext: bytes, associated_data: bytes) -> bytes:
    """A stand-in for the vault: reversible, and not the plaintext."""
    return associated_data + b"|" + bytes(byte ^ 0x55 for byte in plaintext)


def unseal(sealed: bytes, associated_data: bytes) -> bytes:
    """Opens what `seal` closed; refuses a row that was moved."""
    bound, content = sealed.split(b"|", 1)
    assert bound == associated_data
    return bytes(byte ^ 0x55 for byte in content)


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect("collection") as connection:
        yield connection


@pytest.fixture
def plain() -> Mapping:
    return parse_mapping(PLAIN)


@pytest.fixture
def import_lines(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> Callable[[Sequence[bytes]], ImportReport]:
    """Import raw lines under the plain mapping, with a basis."""

    def run(lines: Sequence[bytes]) -> ImportReport:
        file = tmp_path / "lines.jsonl"
        file.write_bytes(b"\n".join(lines) + b"\n")
        return import_files(conn, [file], plain, seal=seal, now=NOW, has_basis=True)

    return run


def line(id_: str = "1", **fields: object) -> bytes:
    """One good record of the plain mapping, with fields replaced or added."""
    import orjson

    return orjson.dumps({"id": id_, "user": "u1", "action": "buy", "at": "2024-05-01T10:00:00Z"} | fields)
