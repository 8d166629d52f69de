"""Batches of events into raw.*, one transaction each, and what later stages read about an import. No parsing here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from collection.errors import RefusedBatchError
from warehouse.arrow import copy_arrow

if TYPE_CHECKING:
    import pyarrow as pa

_JSON = ("data", "metadata", "client_info")


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch, by record number: stored in full, known already, colliding, refused as JSON."""

    n_stored: int
    duplicates: tuple[int, ...]
    collisions: tuple[int, ...]
    invalid: tuple[tuple[int, str], ...]
    first_on: date | None
    last_on: date | None


REFUSALS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
)


def prepare(conn: psycopg.Connection) -> None:
    """The session's staging tables: keys of a batch, and texts of JSON when the database refuses a batch."""
    conn.execute(
        "create temp table if not exists incoming "
        '(record_no bigint, id text collate "C", fingerprint bytea, event_day date) on commit delete rows'
    )
    conn.execute(
        "create temp table if not exists doubtful (record_no bigint, data text, metadata text, client_info text) "
        "on commit delete rows"
    )


def store_events(conn: psycopg.Connection, events: pa.Table, *, source: str, received_at: datetime) -> Stored:
    """Store the events that are new, inside the caller's `with conn.transaction()`.

    `events` has the columns of `collection.columns.Rows.arrow` and record_no (int64); ids are distinct in it.
    `received_at` is the import's own time: what imported_at holds of events whose source states when it got them.
    Raises RefusedBatchError when the database refuses it for a reason that lies in no single record.
    """
    try:
        with conn.transaction():
            return _insert(conn, events, source, received_at)
    except REFUSALS as error:  # their messages quote the row
        invalid = _invalid(conn, events)
        if not invalid:
            raise RefusedBatchError(
                f"PostgreSQL refused a batch from {source} (SQLSTATE {error.sqlstate}) and no record explains it: "
                "the batch is not stored; report this"
            ) from None
    with conn.transaction():
        good = _without(events, [record_no for record_no, _ in invalid])
        return replace(_insert(conn, good, source, received_at), invalid=invalid)


def _insert(conn: psycopg.Connection, events: pa.Table, source: str, received_at: datetime) -> Stored:
    """Keys first: what they show to be known already is left out of the events."""
    copy_arrow(conn, "incoming", events.select(["record_no", "id", "fingerprint", "event_day"]))
    ensure_partitions(conn)
    known = _claim_keys(conn, source)
    fresh = _without(events, [record_no for record_no, _ in known])
    copy_arrow(conn, "raw.system_logs", _with_receipt(fresh, source, received_at))
    first_on, last_on = _touch_days(conn, [record_no for record_no, _ in known])
    same = tuple(record_no for record_no, equal in known if equal)
    other = tuple(record_no for record_no, equal in known if not equal)
    return Stored(fresh.num_rows, same, other, (), first_on, last_on)


def _without(events: pa.Table, numbers: Sequence[int]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not numbers:
        return events
    return events.filter(pc.invert(pc.is_in(events["record_no"], pa.array(numbers, pa.int64()))))


def _with_receipt(events: pa.Table, source: str, received_at: datetime) -> pa.Table:
    import pyarrow as pa

    events = events.drop_columns(["record_no"])
    events = events.append_column("source", pa.repeat(pa.scalar(source), events.num_rows))
    name = "imported_at" if "received_at" in events.column_names else "received_at"
    return events.append_column(name, pa.repeat(pa.scalar(received_at.isoformat()), events.num_rows))


def ensure_partitions(conn: psycopg.Connection) -> None:
    """Make the quarterly partitions that the staged events need."""
    conn.execute(
        "select raw.ensure_partitions(quarter, quarter) from "
        "(select distinct date_trunc('quarter', event_day)::date as quarter from incoming) q"
    )


def _claim_keys(conn: psycopg.Connection, source: str) -> list[tuple[int, bool]]:
    """Record numbers whose key was there before, and whether the content is the same."""
    known = conn.execute(
        "with made as (insert into raw.event_keys (source, id, fingerprint, event_day) "
        "select %s, id, fingerprint, event_day from incoming order by id on conflict do nothing returning id) "
        "select record_no from incoming i where not exists (select from made m where m.id = i.id)",
        (source,),
    ).fetchall()
    if not known:
        return []
    return conn.execute(
        "select i.record_no, i.fingerprint = k.fingerprint from incoming i "
        "join raw.event_keys k on k.source = %s and k.id = i.id where i.record_no = any(%s) order by 1",
        (source, [record_no for (record_no,) in known]),
    ).fetchall()


def _touch_days(conn: psycopg.Connection, known: Sequence[int]) -> tuple[date | None, date | None]:
    """Give every day that got events a new version; that marks it dirty for the stages below."""
    days = conn.execute(
        "insert into raw.event_days (event_day, n_events, version) "
        "select event_day, n, nextval('raw.event_day_version') from (select event_day, count(*) as n from incoming "
        "where record_no <> all(%s) group by event_day order by event_day) d "
        "on conflict (event_day) do update set n_events = event_days.n_events + excluded.n_events, "
        "version = excluded.version returning event_day",
        (list(known),),
    ).fetchall()
    return (min(days)[0], max(days)[0]) if days else (None, None)


def _invalid(conn: psycopg.Connection, events: pa.Table) -> tuple[tuple[int, str], ...]:
    """Record numbers whose JSON PostgreSQL cannot take, with the column."""
    copy_arrow(conn, "doubtful", events.select(["record_no", *_JSON]))
    which = " ".join(f"when not pg_input_is_valid({name}, 'jsonb') then '{name}'" for name in _JSON)
    rows = conn.execute(
        f"select * from (select record_no, case {which} end as name from doubtful) d "
        "where name is not null order by 1".encode()
    ).fetchall()
    return tuple(rows)


def known_fingerprints(conn: psycopg.Connection, source: str, ids: Sequence[str]) -> dict[str, bytes]:
    """The fingerprints of a source's stored events by id."""
    if not ids:
        return {}
    rows = conn.execute(
        "select id, fingerprint from raw.event_keys where source = %s and id = any(%s)", (source, list(ids))
    ).fetchall()
    return {id_: bytes(fingerprint) for id_, fingerprint in rows}


def imported_subjects(conn: psycopg.Connection, import_ids: Sequence[str]) -> list[tuple[str, datetime]]:
    """Every user_id among the events these imports stored, with the earliest created_at, ordered by user_id.

    Only the partitions of the imports' own days are read: the cost follows the import, not the history.
    """
    return conn.execute(
        "select l.user_id, min(l.created_at) from raw.imports i join raw.system_logs l "
        "on l.source = i.source and coalesce(l.imported_at, l.received_at) = i.received_at "
        "and l.event_day between i.first_event_on and i.last_event_on "
        "where i.import_id = any(%s) and l.user_id is not null group by 1 order by 1",
        (list(import_ids),),
    ).fetchall()


def stated_aliases(
    conn: psycopg.Connection, import_ids: Sequence[str], places: Sequence[Sequence[str]]
) -> list[tuple[str, str]]:
    """(another id, user_id) that these imports' events state at any of some places in data, the first said first."""
    if not places:
        return []
    said = ", ".join(["(l.data #>> %s::text[])"] * len(places))
    return conn.execute(
        "select alias, l.user_id from raw.imports i join raw.system_logs l "
        "on l.source = i.source and coalesce(l.imported_at, l.received_at) = i.received_at "
        "and l.event_day between i.first_event_on and i.last_event_on "
        f"cross join lateral (values {said}) as said (alias) "
        "where i.import_id = any(%s) and l.user_id is not null and alias <> l.user_id "
        "group by 1, 2 order by min(l.created_at), 1, 2".encode(),
        (*map(list, places), list(import_ids)),
    ).fetchall()


def quarantine_rows(conn: psycopg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert (import_id, record_no, source, file, line, byte_offset, code, path, hint, sealed, quarantined_at)."""
    if not rows:
        return
    names = "import_id, record_no, source, file, line, byte_offset, code, path, hint, sealed, quarantined_at"
    marks = sql.SQL(", ").join([sql.Placeholder()] * 11)
    statement = sql.SQL("insert into raw.quarantine ({}) values ({})").format(sql.SQL(names), marks)
    with conn.cursor() as cursor:
        cursor.executemany(statement, rows)
