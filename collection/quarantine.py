"""Records that could not be taken: listed without values, shown to who may unseal them, and tried again."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import psycopg

from collection.admission import Blocked, Protect
from collection.batches import Batch, Place
from collection.columns import SessionState, arrange
from collection.csvrows import ENVELOPE as CSV
from collection.csvrows import read_csv
from collection.errors import InputError
from collection.importer import associated_data
from collection.jsonlines import ENVELOPE as JSON
from collection.jsonlines import read_json_lines
from collection.mapping import Mapping
from collection.store import prepare, store_events

Unseal = Callable[[bytes, bytes], bytes]
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """One record in quarantine, without its content."""

    import_id: str
    record_no: int
    source: str
    file: str
    place: Place
    code: str
    path: str | None
    hint: str | None
    quarantined_at: datetime
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Records tried again: stored now, known already, refused without a basis, or still bad."""

    n_tried: int = 0
    n_stored: int = 0
    n_duplicates: int = 0
    n_refused: int = 0
    n_still_bad: int = 0


class NoSuchRecordError(InputError):
    """No record in quarantine has this number."""


def count_quarantine(conn: psycopg.Connection) -> dict[str, int]:
    """Records waiting in quarantine by code."""
    rows = conn.execute(
        "select code, count(*) from raw.quarantine where replayed_at is null group by code order by code"
    ).fetchall()
    return dict(rows)


def list_quarantine(conn: psycopg.Connection, *, code: str | None = None, limit: int = 100) -> list[QuarantinedRecord]:
    """Records waiting in quarantine, in the order of import and record number, without their content."""
    rows = conn.execute(
        "select import_id, record_no, source, file, line, byte_offset, code, path, hint, quarantined_at, replayed_at "
        "from raw.quarantine where replayed_at is null and (%s::text is null or code = %s) "
        "order by import_id, record_no limit %s",
        (code, code, limit),
    ).fetchall()
    return [QuarantinedRecord(r[0], r[1], r[2], r[3], Place(r[4], r[5]), r[6], r[7], r[8], r[9], r[10]) for r in rows]


def show_record(conn: psycopg.Connection, import_id: str, record_no: int, *, unseal: Unseal) -> bytes:
    """The bytes of one record as the file had them. Raises NoSuchRecordError."""
    row = conn.execute(
        "select sealed from raw.quarantine where import_id = %s and record_no = %s", (import_id, record_no)
    ).fetchone()
    if row is None:
        raise NoSuchRecordError(f"quarantine holds no record {record_no} of import {import_id}: list them first")
    return unseal(bytes(row[0]), associated_data(import_id, record_no)).split(b"\n", 1)[1]


def replay(  # noqa: PLR0913 - the contract of the stage
    conn: psycopg.Connection,
    mapping: Mapping,
    *,
    unseal: Unseal,
    now: datetime,
    has_basis: bool,
    import_ids: Sequence[str] | None = None,
    blocked: Blocked | None = None,
    protect: Protect | None = None,
) -> ReplayReport:
    """Try the waiting records of the mapping's source again, each in a transaction of its own.

    `blocked(user_ids)` names those whose events must not be stored; they stay where they are.
    `protect(events)` gives the events as they may be stored; see import_files.

    What is stored (or was, as a duplicate) leaves quarantine for good: a second replay does not store it again.
    Events keep the time of receipt of the import that refused them.
    """
    prepare(conn)
    conn.commit()
    report = ReplayReport()
    after = ("", 0)
    while rows := _waiting(conn, mapping.source, import_ids, after):
        conn.commit()  # each record below is a transaction of its own
        for import_id, record_no, sealed, received_at in rows:
            raw = unseal(bytes(sealed), associated_data(import_id, record_no))
            with conn.transaction():
                outcome, event_on = _store_again(
                    conn, mapping, raw, received_at, has_basis=has_basis, blocked=blocked, protect=protect
                )
                if outcome in ("n_stored", "n_duplicates"):
                    _mark_replayed(conn, import_id, record_no, event_on, now)
            report = replace(report, n_tried=report.n_tried + 1, **{outcome: getattr(report, outcome) + 1})
        after = (rows[-1][0], rows[-1][1])
    conn.rollback()
    return report


def reread(raw: bytes, *, delimiter: str | None = None) -> Batch | None:
    """A sealed record's batch of one; None when its bytes are cut off or of a format unknown."""
    if raw.startswith(JSON):
        return next(read_json_lines(io.BytesIO(raw.removeprefix(JSON))), None)
    if raw.startswith(CSV):
        return next(read_csv(io.BytesIO(raw.removeprefix(CSV)), delimiter=delimiter), None)
    return None


def _waiting(
    conn: psycopg.Connection, source: str, import_ids: Sequence[str] | None, after: tuple[str, int]
) -> list[tuple[str, int, bytes, datetime]]:
    chosen = None if import_ids is None else list(import_ids)
    return conn.execute(
        "select import_id, record_no, sealed, quarantined_at from raw.quarantine where replayed_at is null "
        "and source = %s and (%s::text[] is null or import_id = any(%s)) and (import_id, record_no) > (%s, %s) "
        f"order by import_id, record_no limit {_PAGE}".encode(),
        (source, chosen, chosen, *after),
    ).fetchall()


def _store_again(  # noqa: PLR0913 - what may be stored, and how, is the caller's
    conn: psycopg.Connection,
    mapping: Mapping,
    raw: bytes,
    received_at: datetime,
    *,
    has_basis: bool,
    blocked: Blocked | None,
    protect: Protect | None,
) -> tuple[str, date | None]:
    """The name of the report's count that the record belongs to, and the day of the event if it was stored."""
    import pyarrow as pa

    batch = reread(raw, delimiter=mapping.delimiter)
    if batch is None or batch.faults or len(batch.records) != 1:
        return "n_still_bad", None
    rows = arrange(batch.records, mapping, SessionState(), now=received_at)
    if rows.faults:
        return "n_still_bad", None
    users = [user for user in rows.column("user_id") if user is not None]
    if users and (not has_basis or (blocked is not None and blocked(users))):
        return "n_refused", None
    events = rows.arrow().append_column("record_no", pa.array([1], pa.int64()))
    stored = store_events(conn, protect(events) if protect else events, source=mapping.source, received_at=received_at)
    if stored.duplicates:
        return "n_duplicates", None
    return "n_stored" if stored.n_stored else "n_still_bad", stored.first_on


def _mark_replayed(
    conn: psycopg.Connection, import_id: str, record_no: int, event_on: date | None, now: datetime
) -> None:
    """The record is dealt with, and its import's days include the event's."""
    conn.execute(
        "update raw.quarantine set replayed_at = %s where import_id = %s and record_no = %s",
        (now, import_id, record_no),
    )
    conn.execute(
        "update raw.imports set first_event_on = least(first_event_on, %s), "
        "last_event_on = greatest(last_event_on, %s) where import_id = %s",
        (event_on, event_on, import_id),
    )
