"""Requests and their events in PostgreSQL: read, insert, advance. It decides nothing; the machine does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg

from privacy.requests.errors import UnknownRequestError
from privacy.requests.kinds import Kind
from privacy.requests.machine import Case, State

OPENED = "open"
CASE = (
    "opened_by", "state", "is_extended", "tries_left", "challenges_left", "identified_by", "is_large", "approved_by",
    "has_started", "n_survivors", "is_proven",
)  # fmt: skip
COLUMNS = ("request_id", "kind", "received_at", "due_on", "closed_at", *CASE)


@dataclass(frozen=True, slots=True)
class Request:
    """A stored request; it does not say whose. `case` is what the machine knows."""

    request_id: str
    kind: Kind
    received_at: datetime
    due_on: date
    closed_at: datetime | None
    case: Case

    @property
    def state(self) -> State:
        return self.case.state


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit trail. `detail` holds counts, names of tables and digests, never a value of a person."""

    event: str
    from_state: str | None
    to_state: str
    actor: str
    reason: str
    happened_at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is kept of a request beside the request: whose (blinded), the sealed task, the hash of a running code."""

    blinded_subject: bytes
    sealed: bytes | None
    code_hash: bytes | None = None
    code_expires_at: datetime | None = None


def insert(conn: psycopg.Connection, request: Request, secrets: Secrets, entry: Entry) -> None:
    """A new request with its first event."""
    fields = (request.request_id, str(request.kind), request.received_at, request.due_on, None, *_case(request.case))
    marks = ", ".join(["%s"] * (len(fields) + 2))
    names = ", ".join((*COLUMNS, "blinded_subject", "sealed"))
    conn.execute(
        f"insert into privacy.privacy_requests ({names}) values ({marks})".encode(),
        (*fields, secrets.blinded_subject, secrets.sealed),
    )
    append(conn, request.request_id, entry)


def advance(conn: psycopg.Connection, request: Request, entry: Entry) -> None:
    """Store the moved request with the event that led there. What is over keeps neither sealed task nor code."""
    is_over = request.closed_at is not None
    sets = ", ".join(f"{name} = %s" for name in CASE)
    conn.execute(
        f"update privacy.privacy_requests set {sets}, due_on = %s, closed_at = %s, "
        "sealed = case when %s then null else sealed end, code_hash = case when %s then null else code_hash end "
        "where request_id = %s".encode(),
        (*_case(request.case), request.due_on, request.closed_at, is_over, is_over, request.request_id),
    )
    append(conn, request.request_id, entry)


def set_code(conn: psycopg.Connection, request_id: str, hashed: bytes | None, expires_at: datetime | None) -> None:
    """Keep the hash of a one-time code, or none."""
    conn.execute(
        "update privacy.privacy_requests set code_hash = %s, code_expires_at = %s where request_id = %s",
        (hashed, expires_at, request_id),
    )


def append(conn: psycopg.Connection, request_id: str, entry: Entry) -> None:
    """One more line of the audit trail."""
    conn.execute(
        "insert into privacy.request_events "
        "(request_id, event, from_state, to_state, actor, reason, happened_at, detail) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            request_id, entry.event, entry.from_state, entry.to_state, entry.actor, entry.reason, entry.happened_at,
            json.dumps(entry.detail),
        ),
    )  # fmt: skip


def load(conn: psycopg.Connection, request_id: str, *, for_update: bool = False) -> tuple[Request, Secrets]:
    """A request by its id; for_update keeps others from moving it meanwhile. Raises UnknownRequestError."""
    lock = " for update" if for_update else ""
    row = conn.execute(
        f"select {', '.join(COLUMNS)}, blinded_subject, sealed, code_hash, code_expires_at "
        f"from privacy.privacy_requests where request_id = %s{lock}".encode(),
        (request_id,),
    ).fetchone()
    if row is None:
        raise UnknownRequestError(f"there is no request {request_id}; `lethe privacy requests list` names them")
    return _request(row[:-4]), Secrets(*row[-4:])


def find(conn: psycopg.Connection, *, blinded_subject: bytes | None = None, only_open: bool = False) -> list[Request]:
    """Requests by due date, of one person or of all."""
    rows = conn.execute(
        f"select {', '.join(COLUMNS)} from privacy.privacy_requests "
        "where (%s::bytea is null or blinded_subject = %s) and (not %s or closed_at is null) "
        "order by due_on, request_id".encode(),
        (blinded_subject, blinded_subject, only_open),
    )
    return [_request(row) for row in rows]


def events(conn: psycopg.Connection, request_id: str) -> list[Entry]:
    """The audit trail of a request, oldest first."""
    rows = conn.execute(
        "select event, from_state, to_state, actor, reason, happened_at, detail from privacy.request_events "
        "where request_id = %s order by request_event_id",
        (request_id,),
    )
    return [Entry(*row) for row in rows]


def _case(case: Case) -> tuple[Any, ...]:
    known = asdict(case)
    return tuple(str(known[name]) if name == "state" else known[name] for name in CASE)


def _request(row: tuple[Any, ...]) -> Request:
    case = dict(zip(CASE, row[5:], strict=True))
    return Request(row[0], Kind(row[1]), row[2], row[3], row[4], Case(**case | {"state": State(case["state"])}))
