"""One file's import as the database knows it: begun, advanced batch by batch, finished. Rows of raw.imports only."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from hashlib import sha256

import psycopg

from collection.errors import ConcurrentImportError, CountMismatchError


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Where every record read went; the first number is the sum of the others."""

    n_read: int = 0
    n_stored: int = 0
    n_duplicates: int = 0
    n_quarantined: int = 0
    n_refused: int = 0

    def __add__(self, other: ImportCounts) -> ImportCounts:
        return ImportCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def check(self, file: str) -> None:
        """Raises CountMismatchError unless read = stored + duplicates + quarantined + refused."""
        n_placed = self.n_stored + self.n_duplicates + self.n_quarantined + self.n_refused
        if self.n_read != n_placed:
            raise CountMismatchError(
                f"{file}: {self.n_read} records read but {n_placed} accounted for; the batch is not stored, report this"
            )


@dataclass(frozen=True, slots=True)
class ImportState:
    """An import's row: what it has done so far."""

    import_id: str
    received_at: datetime
    counts: ImportCounts
    finished: bool
    known: bool
    first_on: date | None = None
    last_on: date | None = None


def import_id_of(file_digest: str, mapping_digest: str, *, has_basis: bool) -> str:
    """The same bytes under the same mapping and the same basis are the same import, on every machine."""
    return sha256(f"{file_digest} {mapping_digest} {has_basis}".encode()).hexdigest()[:32]


def find_import(conn: psycopg.Connection, import_id: str, *, now: datetime) -> ImportState:
    """The import's state; one never begun is received now."""
    row = conn.execute(
        "select received_at, n_read, n_stored, n_duplicates, n_quarantined, n_refused, finished_at is not null, "
        "first_event_on, last_event_on from raw.imports where import_id = %s",
        (import_id,),
    ).fetchone()
    if row is None:
        return ImportState(import_id, now, ImportCounts(), finished=False, known=False)
    return ImportState(import_id, row[0], ImportCounts(*row[1:6]), row[6], True, row[7], row[8])


def begin_import(
    conn: psycopg.Connection, state: ImportState, *, file: str, digests: tuple[str, str], source: str
) -> None:
    """Record an import that was not begun before, in the caller's transaction."""
    conn.execute(
        "insert into raw.imports (import_id, file, file_digest, mapping_digest, source, received_at, started_at) "
        "values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (state.import_id, file, *digests, source, state.received_at, state.received_at),
    )


def advance_import(
    conn: psycopg.Connection, import_id: str, before: int, counts: ImportCounts, days: tuple[date | None, date | None]
) -> None:
    """Record the counts after a batch. Raises ConcurrentImportError when another process got there first."""
    done = conn.execute(
        "update raw.imports set n_read = %s, n_stored = %s, n_duplicates = %s, n_quarantined = %s, n_refused = %s, "
        "first_event_on = least(first_event_on, %s), last_event_on = greatest(last_event_on, %s) "
        "where import_id = %s and n_read = %s and finished_at is null",
        (*(getattr(counts, f.name) for f in fields(counts)), *days, import_id, before),
    ).rowcount
    if done != 1:
        raise ConcurrentImportError(f"import {import_id} is being done by another process: wait for it, then run again")


def finish_import(conn: psycopg.Connection, import_id: str, *, now: datetime) -> None:
    """Mark an import complete, in the caller's transaction."""
    conn.execute("update raw.imports set finished_at = %s where import_id = %s", (now, import_id))


def fault_counts(conn: psycopg.Connection, import_id: str) -> dict[str, int]:
    """Quarantined records of an import by code."""
    rows = conn.execute(
        "select code, count(*) from raw.quarantine where import_id = %s group by code order by code", (import_id,)
    ).fetchall()
    return dict(rows)
