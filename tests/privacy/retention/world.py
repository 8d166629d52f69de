"""Synthetic rows for the retention tests: events of any day, class and person; a row in every other store."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import psycopg

from privacy.retention.stores import Store, dated_tables
from warehouse.database import ADMIN, Database

NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
TODAY = NOW.date()


def ago(days: int, today: date = TODAY) -> date:
    """The day so many days before."""
    return today - timedelta(days=days)


def token(subject: str) -> str:
    """What stands for a person in keyed tables here."""
    return "u_" + hashlib.sha256(subject.encode()).hexdigest()[:8]


def tokens(subjects: Sequence[str]) -> Mapping[str, str]:
    """As the vault answers."""
    return {subject: token(subject) for subject in subjects}


@dataclass(frozen=True, slots=True)
class Event:
    """One raw event."""

    id: str
    day: date
    user: str | None = "u1"
    term: str = "long_term"
    data: Mapping[str, object] = field(default_factory=dict)
    event_type: str = "ai"
    action: str = "a"


def put_events(database: Database, events: Sequence[Event]) -> None:
    """Store events with their keys and days, as collection does; a safe row for each."""
    with database.connect("collection") as conn:
        days = [event.day for event in events]
        conn.execute("select raw.ensure_partitions(%s, %s)", (min(days), max(days)))
        for e in events:
            at = datetime.combine(e.day, time(12), UTC)
            conn.execute(
                "insert into raw.system_logs (id, user_id, event_type, event_source, action, data, "
                "data_classification, retention_policy, created_at, received_at, source, fingerprint, event_day) "
                "values (%s, %s, %s, 's', %s, %s, 'personal', %s, %s, %s, 'test', 'f', %s)",
                (e.id, e.user, e.event_type, e.action, json.dumps(e.data), e.term, at, at, e.day),
            )
            conn.execute("insert into raw.event_keys values ('test', %s, 'f', %s)", (e.id, e.day))
            conn.execute(
                "insert into raw.event_days values (%s, 1, nextval('raw.event_day_version')) on conflict (event_day) "
                "do update set n_events = event_days.n_events + 1, version = excluded.version",
                (e.day,),
            )
    with database.connect("privacy") as conn:
        for e in events:
            conn.execute(
                "insert into safe.pseudonymous_events (event_id, subject, event_type, event_source, action, data, "
                "occurred_at, received_at, event_day, purposes) values (%s, %s, 'ai', 's', 'a', '{}', %s, %s, %s, "
                "'{analytics}')",
                (e.id, e.user and token(e.user), NOW, NOW, e.day),
            )
            conn.execute(
                "insert into safe.event_days select event_day, version, 'p', n_events, n_events, n_events, 0, 1 "
                "from (select * from (values (%s::date, 1, 1)) v (event_day, version, n_events)) d "
                "on conflict (event_day) do nothing",
                (e.day,),
            )


def make_dbt_tables(database: Database, stores: Sequence[Store]) -> None:
    """Tables of dbt's that retention knows, with the columns it needs: as if a build had been here."""
    with database.connect("dbt") as conn:
        live = dated_tables(conn)
        for store in stores:
            if store.table.split(".")[0] in ("staging", "aggregates", "sessions", "features"):
                assert store.table not in live
                conn.execute(f"create table {store.table} (subject text, {store.column} date)".encode())
        conn.execute("alter table staging.model_days add column model text, add column upstream text")


Columns = dict[str, list[tuple[str, str]]]


def needed_columns(conn: psycopg.Connection) -> Columns:
    """Table -> (column, type) of every column that an insert has to give."""
    rows = conn.execute(
        "select table_schema || '.' || table_name, column_name, data_type from information_schema.columns "
        "where is_nullable = 'NO' and column_default is null and is_identity = 'NO'"
    ).fetchall()
    found: Columns = defaultdict(list)
    for table, column, kind in rows:
        found[table].append((column, kind))
    return found


def filler(conn: psycopg.Connection, store: Store, at: datetime, needed: Columns) -> None:
    """A row of one store that is as old as `at` says, whatever its other columns are."""
    table, number = store.table.split(".")[1], int(at.timestamp())
    values: dict[str, object] = {store.column: at if store.column.endswith("_at") else at.date()}
    for name, kind in needed[store.table]:
        if name not in values:
            values[name] = _value(kind, f"{table} {number}", number, at)
    values |= {k: f"{v} {number}" if k.endswith("_id") else v for k, v in SPECIAL.get(store.table, {}).items()}
    if store.table == "privacy.legal_holds":
        values["placed_at"] = at - timedelta(days=1)
    names = ", ".join(values)
    conn.execute(
        f"insert into {store.table} ({names}) values ({', '.join(['%s'] * len(values))})".encode(),
        tuple(values.values()),
    )
    if store.table == "privacy.privacy_requests":
        conn.execute(
            "insert into privacy.request_events (request_id, event, to_state, actor, reason, happened_at) "
            "values (%s, 'closed', %s, 'a', 'r', %s)",
            (values["request_id"], values["state"], at),
        )


SPECIAL: dict[str, dict[str, object]] = {
    "safe.text_embeddings": {"kind": "prompt", "version": 1, "embedding": str([0.0] * 768)},
    "ml.predictions": {"state": "published", "model_version": 1},
    "ml.model_feedback": {"kind": "rating"},
    "ml.recommendations": {"place": 1, "score": 0.5},
    "quality.drift_results": {"verdict": "stable"},
    "privacy.privacy_requests": {"kind": "access", "state": "refused", "has_started": False, "is_proven": False},
    "privacy.osint_findings": {"source": "s", "kind": "k"},
    "privacy.osint_imports": dict.fromkeys(("n_read", "n_stored", "n_refreshed", "n_duplicates", "n_refused"), 0),
    "privacy.erasures": {"status": "running", "sealed": b"s", "receipt_sha256": "d"},
    "privacy.erasure_targets": {"erasure_id": "erasures"},
    "privacy.legal_holds": {"reason": "over", "table_name": "ml.predictions"},
}


def _value(kind: str, text: str, number: int, at: datetime) -> object:
    if kind == "boolean":
        return True
    if kind == "bytea":
        return text.encode()
    if kind == "jsonb":
        return "{}"
    if kind == "date":
        return at.date()
    if kind.startswith("timestamp"):
        return at
    if kind in ("integer", "bigint", "numeric", "double precision"):
        return number % 1000 + 1
    return text


def oldest(database: Database, stores: Sequence[Store]) -> dict[Store, date | None]:
    """The oldest UTC day among the rows of each store."""
    each = ", ".join(f"(select min({store.day}) from {store.table})" for store in stores)
    with database.connect(ADMIN) as conn:
        row = conn.execute(f"select {each}".encode()).fetchone() or ()
    return dict(zip(stores, row, strict=True))


def ids(database: Database, table: str = "raw.system_logs", column: str = "id") -> set[str]:
    """The ids in a table of events."""
    with database.connect(ADMIN) as conn:
        return {str(row[0]) for row in conn.execute(f"select {column} from {table}".encode())}
