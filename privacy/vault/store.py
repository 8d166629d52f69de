"""The vault's SQLite file: wrapped keys, salts, and how far tombstones were replayed. No plaintext key is in it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privacy.vault.errors import DamagedVaultError, UnerasedKeyError

CHUNK = 1_000
SUBJECT_TABLES = ("salts", "data_keys")
_SCHEMA = (
    "create table if not exists salts (subject blob primary key, salt blob not null) without rowid",
    "create table if not exists data_keys "
    "(subject blob primary key, generation integer not null, wrapped blob not null) without rowid",
    "create table if not exists purposes "
    "(purpose text primary key, generation integer not null, wrapped blob not null) without rowid",
    "create table if not exists generations "
    "(generation integer primary key, master text not null, wrapped blob not null)",
    "create table if not exists tombstones "
    "(one integer primary key check (one = 1), n_bytes integer not null, chain blob not null)",
)


@dataclass(frozen=True, slots=True)
class Store:
    """One SQLite file. Deleted and replaced bytes are overwritten (secure_delete)."""

    path: Path

    def create(self) -> None:
        """Make the file, private to its owner, and its tables. Raises DamagedVaultError."""
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(self._connect()) as connection:
            try:
                connection.execute("pragma journal_mode = wal")
                for statement in _SCHEMA:
                    connection.execute(statement)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                    raise
                raise DamagedVaultError(f"{self.path} is damaged; restore the vault from its backup") from None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One snapshot: a rotation that ends meanwhile takes no key away from under the reader."""
        with closing(self._connect()) as connection:
            connection.execute("begin")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end and rolled back on any error."""
        with closing(self._connect()) as connection:
            connection.execute("begin immediate")
            yield connection
            connection.execute("commit")

    def overwrite_deleted(self) -> None:
        """Move the log into the file, which overwrites deleted bytes. Raises UnerasedKeyError when a reader blocks."""
        with closing(self._connect()) as connection:
            is_busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        if is_busy:
            raise UnerasedKeyError(
                f"keys are deleted from {self.path}, but another process kept reading it, so their bytes are not "
                "overwritten yet; run the same command again"
            )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        connection.execute("pragma secure_delete = on")
        return connection


def select(
    connection: sqlite3.Connection, table: str, columns: str, keys: Sequence[bytes]
) -> Iterator[tuple[Any, ...]]:
    """(subject, the columns) of those subjects that a table holds."""
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        yield from connection.execute(f"select subject, {columns} from {table} where subject in ({marks})", part)


def delete(connection: sqlite3.Connection, keys: Sequence[bytes]) -> int:
    """Delete subjects from every table; how many of them were in one."""
    known: set[bytes] = set()
    for table in SUBJECT_TABLES:
        known.update(row[0] for row in select(connection, table, "1", keys))
        connection.executemany(f"delete from {table} where subject = ?", ((key,) for key in known))
    return len(known)
