"""File import: batches through mapping into raw.system_logs, one transaction a batch, resumable and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from collection.admission import Blocked, Protect, protected, without_blocked
from collection.errors import EmptyFileError, WarehouseFullError
from collection.files import SourceFile, inspect_file
from collection.imports import (
    ImportCounts,
    ImportState,
    advance_import,
    begin_import,
    fault_counts,
    find_import,
    finish_import,
    import_id_of,
)
from collection.mapping import Mapping
from collection.readers import read_batches
from collection.records import Fault
from collection.settling import Settled, ahead, settle
from collection.store import Stored, known_fingerprints, prepare, quarantine_rows, store_events

if TYPE_CHECKING:
    pass

Seal = Callable[[bytes, bytes], bytes]
Progress = Callable[[ImportCounts], None]

REFUSAL = (
    "{n} events of identified users were refused: a file carries no consent, so an import must state its basis. "
    'Run again with --assume-consent PURPOSE[,...] --reason "...", or give the mapping a section '
    "consent: {{purposes: [...], reason: ...}}; either is written to the consent ledger as imported evidence. "
    "To import nobody's events only, map no user_id."
)


BLOCKED = (
    "{n} events of people whose data may not be collected (they withdrew, or were erased lately) were refused; "
    "no other event is affected"
)

UNSTATED = (
    "the mapping does not state received_at, so these events count as known from {now:%Y-%m-%d} on, {n_days} days "
    "after the first happened: features of an earlier day do not see them, and a model may find too little history. "
    "If the source recorded them as they happened, add received_at: {{same_as: created_at}} to fields: first"
)
LATE_DAYS = 7  # an import of this week's file is what an import usually is


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the files. `codes` are quarantined records by code; days are of the events stored."""

    counts: ImportCounts
    codes: dict[str, int]
    import_ids: tuple[str, ...]
    first_event_on: date | None
    last_event_on: date | None
    notes: tuple[str, ...]
    n_skipped_files: int
    explanation: str | None

    @property
    def n_read(self) -> int:
        return self.counts.n_read

    @property
    def n_stored(self) -> int:
        return self.counts.n_stored

    @property
    def n_duplicates(self) -> int:
        return self.counts.n_duplicates

    @property
    def n_quarantined(self) -> int:
        return self.counts.n_quarantined

    @property
    def n_refused(self) -> int:
        return self.counts.n_refused

    @property
    def n_without_basis(self) -> int:
        """Of those refused, the ones that a stated basis would let in."""
        return self.counts.n_refused if self.explanation else 0


@dataclass(frozen=True, slots=True)
class _Job:
    """One file under one mapping, and what is needed to store it."""

    file: SourceFile
    mapping: Mapping
    seal: Seal
    has_basis: bool
    now: datetime
    progress: Progress | None
    blocked: Blocked | None
    protect: Protect | None


def import_files(  # noqa: PLR0913 - the contract of the stage
    conn: psycopg.Connection,
    files: Sequence[Path],
    mapping: Mapping,
    *,
    seal: Seal,
    now: datetime,
    has_basis: bool,
    progress: Progress | None = None,
    blocked: Blocked | None = None,
    protect: Protect | None = None,
) -> ImportReport:
    """Import files in order; `seal(plaintext, associated data)` encrypts what goes to quarantine.

    `blocked(user_ids)` names those whose events must not be stored; they are counted as refused.
    `protect(events)` gives the same events with the texts sealed that may not be stored as they are, and with
    fingerprints of those events that equal ones share and that confirm no guess of a text.

    Every file is looked at before the first is imported. A batch is stored whole or not at all; a killed import goes
    on where it stopped and ends in the same rows, and a completed one is skipped. `progress` gets the counts of the
    file at hand after each batch. Raises InputError, WarehouseFullError, CountMismatchError, ConcurrentImportError.
    The connection must be of the collection role, outside a transaction, and not in autocommit mode.
    """
    jobs = [_Job(inspect_file(path), mapping, seal, has_basis, now, progress, blocked, protect) for path in files]
    prepare(conn)
    conn.commit()
    found = [_find(conn, job) for job in jobs]
    notes = [note for job in jobs for note in job.file.notes]
    notes += [
        f"{job.file.path.name} was imported already under this mapping; skipped"
        for job, state in zip(jobs, found, strict=True)
        if state.finished
    ]
    states = [
        _again(state) if state.finished else _import(conn, job, _find(conn, job))
        for job, state in zip(jobs, found, strict=True)
    ]
    if has_basis and (n_blocked := sum(state.counts.n_refused for state in states)):
        notes.append(BLOCKED.format(n=f"{n_blocked:,}"))
    notes += _unstated(mapping, states, now)
    return _report(conn, states, notes, sum(state.finished for state in found), has_basis=has_basis)


def _unstated(mapping: Mapping, states: Sequence[ImportState], now: datetime) -> list[str]:
    """What follows for features where nobody says when the source got old events."""
    first_on = min((state.first_on for state in states if state.first_on and state.counts.n_stored), default=None)
    n_days = (now.date() - first_on).days if first_on else 0
    return (
        [UNSTATED.format(now=now, n_days=n_days)] if "received_at" not in mapping.fields and n_days > LATE_DAYS else []
    )


def _again(state: ImportState) -> ImportState:
    """A finished import met again: nothing to read, but what was refused then is refused again, and said again."""
    c = state.counts
    known = ImportCounts(c.n_read, 0, c.n_stored + c.n_duplicates, c.n_quarantined, c.n_refused)
    return replace(state, counts=known if c.n_refused else ImportCounts())


def _find(conn: psycopg.Connection, job: _Job) -> ImportState:
    import_id = import_id_of(job.file.digest, job.mapping.digest, has_basis=job.has_basis)
    state = find_import(conn, import_id, now=job.now)
    conn.rollback()
    return state


def _import(conn: psycopg.Connection, job: _Job, state: ImportState) -> ImportState:
    """Import one file from where an earlier run left it. One given twice is all duplicates of itself: skipped."""
    if state.finished:
        return replace(state, counts=ImportCounts())
    name = job.file.path.name
    batches = settle(
        read_batches(job.file, delimiter=job.mapping.delimiter),
        job.mapping,
        name=name,
        now=state.received_at,
        has_basis=job.has_basis,
        done=state.counts.n_read,
    )
    try:
        with closing(ahead(batches)) as settled:
            for batch in settled:
                state = _store_batch(conn, job, state, batch)
                if job.progress:
                    job.progress(state.counts)
        if not state.known:
            raise EmptyFileError(f"{job.file.path} holds no records: nothing to import; check how it was written")
        finish_import(conn, state.import_id, now=job.now)
        conn.commit()
    except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory) as error:
        raise WarehouseFullError(
            f"the database has no room left for {name} (SQLSTATE {error.sqlstate}): {state.counts.n_read} records are "
            "dealt with and nothing is half-written; make room and run the same command again, it goes on from there"
        ) from None
    finally:
        conn.rollback()
    return state


def _store_batch(conn: psycopg.Connection, job: _Job, state: ImportState, batch: Settled) -> ImportState:
    """One batch, one transaction: events, quarantine and the import's own counts."""
    name, source = job.file.path.name, job.mapping.source
    batch = protected(job.protect, without_blocked(job.blocked, batch))
    with conn.transaction():
        if not state.known:
            begin_import(conn, state, file=name, digests=(job.file.digest, job.mapping.digest), source=source)
        stored = store_events(conn, batch.events, source=source, received_at=state.received_at)
        n_repeated, faults = _judged(conn, source, batch, stored)
        _quarantine(conn, job, state, batch, faults)
        n_duplicates = len(stored.duplicates) + n_repeated
        counts = ImportCounts(batch.n_read, stored.n_stored, n_duplicates, len(faults), batch.n_refused)
        counts.check(name)
        total = state.counts + counts
        days = (stored.first_on, stored.last_on)
        advance_import(conn, state.import_id, state.counts.n_read, total, days)
    return replace(
        state,
        counts=total,
        known=True,
        first_on=min(filter(None, (state.first_on, stored.first_on)), default=None),
        last_on=max(filter(None, (state.last_on, stored.last_on)), default=None),
    )


def _judged(conn: psycopg.Connection, source: str, batch: Settled, stored: Stored) -> tuple[int, dict[int, Fault]]:
    """Repeats within the batch that are duplicates, and every fault of the batch in record order."""
    prints = known_fingerprints(conn, source, [repeat.id for repeat in batch.repeats])
    other = [repeat.record_no for repeat in batch.repeats if prints.get(repeat.id) != repeat.fingerprint]
    collision = Fault("id_collision", "/id", "another event of this source has the same id and other content")
    refused = {
        number: Fault("refused_by_database", f"/{column}", "PostgreSQL takes the record's JSON for invalid")
        for number, column in stored.invalid
    }
    faults = batch.faults | refused | dict.fromkeys((*stored.collisions, *other), collision)
    return len(batch.repeats) - len(other), dict(sorted(faults.items()))


def _quarantine(
    conn: psycopg.Connection, job: _Job, state: ImportState, batch: Settled, faults: dict[int, Fault]
) -> None:
    rows = []
    for number, fault in faults.items():
        position = number - batch.first_no
        place = batch.batch.place(position)
        sealed = job.seal(batch.batch.raw(position), associated_data(state.import_id, number))
        where = (state.import_id, number, job.mapping.source, job.file.path.name, place.line, place.byte_offset)
        rows.append((*where, fault.code, fault.path, fault.hint, sealed, state.received_at))
    quarantine_rows(conn, rows)


def associated_data(import_id: str, record_no: int) -> bytes:
    """Binds a sealed record to its row in raw.quarantine."""
    return f"{import_id}:{record_no}".encode()


def _report(
    conn: psycopg.Connection,
    states: Sequence[ImportState],
    notes: Sequence[str],
    n_skipped: int,
    *,
    has_basis: bool,
) -> ImportReport:
    counts = sum((state.counts for state in states), ImportCounts())
    codes: Counter[str] = Counter()
    for state in states:
        if state.counts.n_quarantined:
            codes.update(fault_counts(conn, state.import_id))
    conn.rollback()
    return ImportReport(
        counts,
        dict(sorted(codes.items())),
        tuple(dict.fromkeys(state.import_id for state in states)),
        min(filter(None, (state.first_on for state in states)), default=None),
        max(filter(None, (state.last_on for state in states)), default=None),
        tuple(notes),
        n_skipped,
        REFUSAL.format(n=f"{counts.n_refused:,}") if counts.n_refused and not has_basis else None,
    )
