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
_COLUMNS = (
    "id, user_id, persona_id, company_id, event_type, event_source, component, action, data, metadata, "
    "data_classification, retention_policy, session_id, client_info, created_at, fingerprint, event_day"
)
_CAST = _COLUMNS.replace("data,", "data::jsonb,", 1).replace("metadata,", "metadata::jsonb,")
_CAST = _CAST.replace("client_info", "client_info::jsonb")


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch, by record number: stored in full, known already, colliding, refused as JSON."""

    n_stored: int
    duplicates: tuple[int, ...]
    collisions: tuple[int, ...]
    invalid: tuple[tuple[int, str], ...]
    first_on: date | None
    last_on: date | None


def prepare(conn: psycopg.Connection) -> None:
    """The session's staging tables. JSON stays text there, so that one bad value can be told from the good ones."""
    conn.execute(
        "create temp table if not exists incoming (record_no bigint, id text, user_id text, persona_id text, "
        "company_id text, event_type text, event_source text, component text, action text, data text, metadata text, "
        "data_classification text, retention_policy text, session_id text, client_info text, "
        "created_at timestamptz, fingerprint bytea, event_day date) on commit delete rows"
    )
    conn.execute("create temp table if not exists fresh (id text) on commit delete rows")


def store_events(conn: psycopg.Connection, events: pa.Table, *, source: str, received_at: datetime) -> Stored:
    """Store the events that are new, inside the caller's transaction.

    `events` has the columns of `collection.columns.Rows.arrow` and record_no (int64); ids are distinct in it.
    Raises RefusedBatchError when the database refuses it for a reason that lies in no single record.
    """
    copy_arrow(conn, "incoming", events)
    ensure_partitions(conn)
    try:
        with conn.transaction():
            return _insert(conn, source, received_at)
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex) as error:
        invalid = _remove_invalid(conn)
        if not invalid:
            raise RefusedBatchError(
                f"PostgreSQL refused a batch from {source} (SQLSTATE {error.sqlstate}) and no record explains it: "
                "the batch is not stored; report this"
            ) from None
    with conn.transaction():
        return replace(_insert(conn, source, received_at), invalid=invalid)


def _insert(conn: psycopg.Connection, source: str, received_at: datetime) -> Stored:
    n_fresh = conn.execute(
        "with made as (insert into raw.event_keys (source, id, fingerprint, event_day) "
        "select %s, id, fingerprint, event_day from incoming on conflict do nothing returning id) "
        "insert into fresh select id from made",
        (source,),
    ).rowcount
    known = _known(conn, source)
    join = "join fresh using (id)" if known else ""
    conn.execute(
        f"insert into raw.system_logs ({_COLUMNS}, source, received_at) "
        f"select {_CAST}, %s, %s from incoming {join} order by event_day, record_no".encode(),
        (source, received_at),
    )
    first_on, last_on = _touch_days(conn, join)
    same = tuple(record_no for record_no, equal in known if equal)
    other = tuple(record_no for record_no, equal in known if not equal)
    return Stored(n_fresh, same, other, (), first_on, last_on)


def ensure_partitions(conn: psycopg.Connection) -> None:
    """Make the monthly partitions that the staged events need."""
    conn.execute(
        "select raw.ensure_partitions(month, month) from "
        "(select distinct date_trunc('month', event_day)::date as month from incoming) m"
    )


def _touch_days(conn: psycopg.Connection, join: str) -> tuple[date | None, date | None]:
    """Give every day that got events a new version; that marks it dirty for the stages below."""
    days = conn.execute(
        "insert into raw.event_days (event_day, n_events, version) "
        "select event_day, n, nextval('raw.event_day_version') from "
        f"(select event_day, count(*) as n from incoming {join} group by event_day order by event_day) d "
        "on conflict (event_day) do update set n_events = event_days.n_events + excluded.n_events, "
        "version = excluded.version returning event_day".encode()
    ).fetchall()
    return (min(days)[0], max(days)[0]) if days else (None, None)


def _known(conn: psycopg.Connection, source: str) -> list[tuple[int, bool]]:
    return conn.execute(
        "select i.record_no, i.fingerprint = k.fingerprint from incoming i "
        "join raw.event_keys k on k.source = %s and k.id = i.id "
        "where not exists (select from fresh f where f.id = i.id) order by 1",
        (source,),
    ).fetchall()


_INVALID = " or ".join(f"not pg_input_is_valid({name}, 'jsonb')" for name in _JSON)


def _remove_invalid(conn: psycopg.Connection) -> tuple[tuple[int, str], ...]:
    which = " ".join(f"when not pg_input_is_valid({name}, 'jsonb') then '{name}'" for name in _JSON)
    rows = conn.execute(
        f"delete from incoming where {_INVALID} returning record_no, case {which} end".encode()
    ).fetchall()
    return tuple(sorted(rows))


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
        "on l.source = i.source and l.received_at = i.received_at "
        "and l.event_day between i.first_event_on and i.last_event_on "
        "where i.import_id = any(%s) and l.user_id is not null group by 1 order by 1",
        (list(import_ids),),
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
