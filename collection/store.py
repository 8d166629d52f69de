"""Batches of events into raw.*, one transaction each, and what later stages read about an import. No parsing here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from psycopg import sql

from collection.errors import RefusedBatchError
from warehouse.arrow import copy_arrow

if TYPE_CHECKING:
    import pyarrow as pa

_JSON = ("data", "metadata", "client_info")
ATTEMPTS = 10  # to store a batch beside other imports of the same source


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
    """The session's staging table: texts of JSON, when the database refuses a batch."""
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
    for _ in range(ATTEMPTS):
        try:
            with conn.transaction():
                return _insert(conn, events, source, received_at)
        except psycopg.errors.UniqueViolation:
            continue  # another import stored one of these ids since they were looked up: now it is found
        except REFUSALS as error:  # their messages quote the row
            return _without_invalid(conn, events, source, received_at, error.sqlstate)
    raise RefusedBatchError(
        f"other imports stored the ids of a batch from {source} {ATTEMPTS} times while it was being stored: "
        "the batch is not stored; run the same command again, it goes on from there"
    )


def _without_invalid(
    conn: psycopg.Connection, events: pa.Table, source: str, received_at: datetime, sqlstate: str | None
) -> Stored:
    """Store a refused batch without the records that PostgreSQL cannot take."""
    invalid = _invalid(conn, events)
    if not invalid:
        raise RefusedBatchError(
            f"PostgreSQL refused a batch from {source} (SQLSTATE {sqlstate}) and no record explains it: "
            "the batch is not stored; report this"
        ) from None
    good = _without(events, [record_no for record_no, _ in invalid])
    return replace(store_events(conn, good, source=source, received_at=received_at), invalid=invalid)


def _insert(conn: psycopg.Connection, events: pa.Table, source: str, received_at: datetime) -> Stored:
    """Keys first: what they show to be known already is left out of the events."""
    duplicates, collisions = _known(conn, events, source)
    fresh = _without(events, [*duplicates, *collisions])
    days = _days(fresh)
    ensure_partitions(conn, days)
    _claim_keys(conn, fresh, source)
    copy_arrow(conn, "raw.system_logs", _with_receipt(fresh, source, received_at))
    _touch_days(conn, days)
    return Stored(fresh.num_rows, duplicates, collisions, (), min(days, default=None), max(days, default=None))


def _known(conn: psycopg.Connection, events: pa.Table, source: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Record numbers of the events whose key is there: those with the same content, and those with other content."""
    ids = events["id"].to_pylist()
    prints = known_fingerprints(conn, source, ids)
    if not prints:
        return (), ()
    rows = zip(events["record_no"].to_pylist(), ids, events["fingerprint"].to_pylist(), strict=True)
    known = [(number, "\\x" + prints[id_].hex() == given) for number, id_, given in rows if id_ in prints]
    return tuple(n for n, equal in known if equal), tuple(n for n, equal in known if not equal)


def _days(events: pa.Table) -> dict[date, int]:
    """Events of every day that has some, in order of days."""
    counts = events["event_day"].value_counts().to_pylist()
    return {count["values"]: count["counts"] for count in sorted(counts, key=lambda count: count["values"])}


def _without(events: pa.Table, numbers: Sequence[int]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not numbers:
        return events
    return events.filter(pc.invert(pc.is_in(events["record_no"], pa.array(numbers, pa.int64()))))


def _with_source(rows: pa.Table, source: str) -> pa.Table:
    import pyarrow as pa

    return rows.append_column("source", pa.repeat(pa.scalar(source), rows.num_rows))


def _with_receipt(events: pa.Table, source: str, received_at: datetime) -> pa.Table:
    import pyarrow as pa

    events = _with_source(events.drop_columns(["record_no"]), source)
    name = "imported_at" if "received_at" in events.column_names else "received_at"
    return events.append_column(name, pa.repeat(pa.scalar(received_at.isoformat()), events.num_rows))


def ensure_partitions(conn: psycopg.Connection, days: Iterable[date]) -> None:
    """Make the quarterly partitions that these days need."""
    quarters = sorted({date(day.year, (day.month - 1) // 3 * 3 + 1, 1) for day in days})
    conn.execute("select raw.ensure_partitions(quarter, quarter) from unnest(%s::date[]) as quarter", (quarters,))


def _claim_keys(conn: psycopg.Connection, events: pa.Table, source: str) -> None:
    """Insert the events' keys. Raises UniqueViolation when another transaction inserted one since they were looked up.

    In order of ids, so that two imports of the same events wait for each other instead of locking each other out.
    """
    keys = events.select(["id", "fingerprint", "event_day"]).sort_by("id")
    copy_arrow(conn, "raw.event_keys", _with_source(keys, source))


def _touch_days(conn: psycopg.Connection, days: dict[date, int]) -> None:
    """Give every day that got events a new version; that marks it dirty for the stages below."""
    conn.execute(
        "insert into raw.event_days (event_day, n_events, version) "
        "select event_day, n, nextval('raw.event_day_version') "
        "from unnest(%s::date[], %s::bigint[]) as d (event_day, n) order by event_day "
        "on conflict (event_day) do update set n_events = event_days.n_events + excluded.n_events, "
        "version = excluded.version",
        (list(days), list(days.values())),
    )


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
        "select id, fingerprint from raw.event_keys where source = %s "
        "and id = any(array(select json_array_elements_text(%s)))",  # an array of texts is written by Python, slowly
        (source, orjson.dumps(ids).decode()),
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
