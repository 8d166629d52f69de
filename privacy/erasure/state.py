"""The state of an erasure in PostgreSQL: what was found, deleted and counted, so that a kill costs nothing but time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from privacy.erasure.keys import SubjectKeys
from privacy.vault import Vault

REPLAY = "replay-"  # requests that a restore makes by itself


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure as the database knows it. keys is None once it is complete."""

    erasure_id: str
    request_id: str
    status: str
    keys: SubjectKeys | None
    tainted: tuple[Mapping[str, Any], ...]
    opened_at: datetime
    receipt_sha256: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """What happened at one target."""

    target: str
    before: int
    deleted: int
    after: int | None


def identify(request_id: str) -> str:
    """The erasure of a request; one each."""
    return "erasure-" + hashlib.sha256(request_id.encode()).hexdigest()[:20]


def fetch(conn: psycopg.Connection, erasure_id: str, vault: Vault) -> Erasure | None:
    """The erasure with its keys opened."""
    row = conn.execute(
        "select erasure_id, request_id, status, sealed, tainted, opened_at, receipt_sha256 "
        "from privacy.erasures where erasure_id = %s",
        (erasure_id,),
    ).fetchone()
    if row is None:
        return None
    keys = None if row[3] is None else SubjectKeys.load(vault.unseal(bytes(row[3]), row[0].encode()))
    return Erasure(row[0], row[1], row[2], keys, tuple(row[4]), row[5], row[6])


def save(
    conn: psycopg.Connection, vault: Vault, request_id: str, blinded: bytes, keys: SubjectKeys, opened_at: datetime
) -> None:
    """Begin or widen an erasure: its keys, sealed. What was counted before counts no more."""
    erasure_id = identify(request_id)
    conn.execute(
        "insert into privacy.erasures (erasure_id, request_id, blinded_subject, status, sealed, opened_at) "
        "values (%s, %s, %s, 'running', %s, %s) on conflict (erasure_id) do update set status = 'running', "
        "sealed = excluded.sealed",
        (erasure_id, request_id, blinded, vault.seal(keys.dump(), erasure_id.encode()), opened_at),
    )
    conn.execute(
        "update privacy.erasure_targets set rows_after = null, verified_at = null where erasure_id = %s", (erasure_id,)
    )


def note_before(conn: psycopg.Connection, erasure_id: str, target: str, n_rows: int) -> None:
    """What a target held at first; a resumed erasure keeps the larger count."""
    conn.execute(
        "insert into privacy.erasure_targets (erasure_id, target, rows_before) values (%s, %s, %s) "
        "on conflict (erasure_id, target) do update set "
        "rows_before = greatest(erasure_targets.rows_before, excluded.rows_before)",
        (erasure_id, target, n_rows),
    )


def note_deleted(conn: psycopg.Connection, erasure_id: str, target: str, n_rows: int, at: datetime) -> None:
    """Rows that went, in the transaction in which they go."""
    conn.execute(
        "insert into privacy.erasure_targets (erasure_id, target, rows_before, rows_deleted, deleted_at) "
        "values (%s, %s, %s, %s, %s) on conflict (erasure_id, target) do update set "
        "rows_deleted = erasure_targets.rows_deleted + excluded.rows_deleted, deleted_at = excluded.deleted_at, "
        "rows_before = greatest(erasure_targets.rows_before, erasure_targets.rows_deleted + excluded.rows_deleted)",
        (erasure_id, target, n_rows, n_rows, at),
    )


def note_after(conn: psycopg.Connection, erasure_id: str, after: Mapping[str, int], at: datetime) -> None:
    """What the same predicate finds afterwards."""
    for target, n_rows in after.items():
        conn.execute(
            "insert into privacy.erasure_targets (erasure_id, target, rows_before, rows_after, verified_at) "
            "values (%s, %s, %s, %s, %s) on conflict (erasure_id, target) do update set "
            "rows_after = excluded.rows_after, verified_at = excluded.verified_at",
            (erasure_id, target, n_rows, n_rows, at),
        )


def progress(conn: psycopg.Connection, erasure_id: str) -> list[Progress]:
    """Every target of an erasure, by name."""
    rows = conn.execute(
        "select target, rows_before, rows_deleted, rows_after from privacy.erasure_targets where erasure_id = %s "
        "order by target",
        (erasure_id,),
    )
    return [Progress(*row) for row in rows]


def note_tainted(conn: psycopg.Connection, erasure_id: str, tainted: Sequence[Mapping[str, Any]]) -> None:
    conn.execute(
        "update privacy.erasures set tainted = %s where erasure_id = %s", (json.dumps(list(tainted)), erasure_id)
    )


def note_status(conn: psycopg.Connection, erasure_id: str, status: str) -> None:
    conn.execute("update privacy.erasures set status = %s where erasure_id = %s", (status, erasure_id))


def keep_consent_blinded(
    conn: psycopg.Connection, erasure_id: str, users: Sequence[str], blinded: Sequence[bytes]
) -> None:
    """Copy the person's decisions without their id, once, before they are deleted."""
    conn.execute(
        "insert into privacy.erased_consents select %s, k.blinded, c.purpose, c.decision, c.decided_at, c.received_at, "
        "c.method from consent.consent_events c join unnest(%s::text[], %s::bytea[]) as k (subject, blinded) "
        "using (subject) order by c.consent_event_id",
        (erasure_id, list(users), list(blinded)),
    )


def restate(conn: psycopg.Connection, erasure_id: str, tables: Sequence[str], at: datetime) -> int:
    """Say for every day of the person's events that its aggregates may move when it is built again; the rows."""
    return conn.execute(
        "insert into privacy.restatements (table_name, event_day, cause, reference, noted_at) "
        "select t, d.event_day, 'erasure', %s, %s from unnest(%s::text[]) as t cross join "
        "(select distinct event_day from privacy.erasure_events where erasure_id = %s) as d on conflict do nothing",
        (erasure_id, at, list(tables), erasure_id),
    ).rowcount


def close(conn: psycopg.Connection, erasure_id: str, receipt_sha256: str, head: str, at: datetime) -> None:
    """Complete: the keys go, the proof stays, the marker moves. PostgreSQL refuses it while a target is not at zero."""
    conn.execute("delete from privacy.erasure_events where erasure_id = %s", (erasure_id,))
    conn.execute(
        "update privacy.erasures set status = 'complete', sealed = null, completed_at = %s, receipt_sha256 = %s "
        "where erasure_id = %s",
        (at, receipt_sha256, erasure_id),
    )
    set_marker(conn, head)


def forget_replays(conn: psycopg.Connection) -> None:
    """Erasures that a restore brought back to life or made necessary: the ledger and the receipts have their proof."""
    for table in ("erasure_events", "erasure_targets", "erasures"):
        conn.execute(
            f"delete from privacy.{table} where erasure_id in "
            f"(select erasure_id from privacy.erasures where request_id like '{REPLAY}%')".encode()
        )


def set_marker(conn: psycopg.Connection, head: str) -> None:
    conn.execute(
        "insert into privacy.erasure_marker (head) values (%s) "
        "on conflict (is_only) do update set head = excluded.head",
        (head,),
    )


def marker(conn: psycopg.Connection) -> str | None:
    """The head of the ledger that this database has caught up with; None before the first erasure."""
    row = conn.execute("select head from privacy.erasure_marker").fetchone()
    return str(row[0]) if row else None
