"""The desk: what people and operators do to a request, each step stored with who, when and why. No effect here."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets as randomness
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from privacy.identities import every_id
from privacy.requests import blast, identity, store
from privacy.requests.deadlines import due_on
from privacy.requests.errors import (
    AlreadyRunningError,
    IncompleteRequestError,
    SubjectGoneError,
    SubjectInReasonError,
    WrongCodeError,
)
from privacy.requests.kinds import Kind, Task
from privacy.requests.machine import TERMINAL, Case, Event, Move, State, step
from privacy.requests.store import Entry, Request, Secrets

if TYPE_CHECKING:
    from privacy.signing import PurposeKeys
    from privacy.vault import Vault

SUBJECT_PURPOSE = "privacy-requests"
SHORTEST_NAME = 3  # characters: shorter ids occur in any sentence


def blinded(vault: PurposeKeys, subject: str) -> bytes:
    """What requests and exports know a person by: HMAC-SHA256 under a key of the vault (32 bytes)."""
    return hmac.digest(vault.purpose_key(SUBJECT_PURPOSE), subject.encode("utf-8", "surrogatepass"), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Desk:
    """Requests of one home. conn is of the role `privacy`; every method is one transaction."""

    conn: psycopg.Connection
    vault: Vault
    now: Callable[[], datetime]
    random_bytes: Callable[[int], bytes] = randomness.token_bytes

    def open(
        self, kind: Kind, subject: str, *, by: str, reason: str, details: Mapping[str, Any] | None = None
    ) -> Request:
        """Record a request; its month begins now. Raises IncompleteRequestError or SubjectInReasonError."""
        if not subject.strip():
            raise IncompleteRequestError("a request needs the id of the person whose data it is about")
        _require_words(by, reason, subject)
        at = self.now()
        request_id = f"req-{self.random_bytes(8).hex()}"
        request = Request(request_id, kind, at, due_on(at.date()), None, Case(opened_by=by))
        task = json.dumps({"subject": subject, "details": dict(details or {})}).encode()
        kept = Secrets(blinded(self.vault, subject), self.vault.seal(task, _bound(request_id)))
        with self.conn.transaction():
            store.insert(self.conn, request, kept, Entry(store.OPENED, None, State.RECEIVED, by, reason, at))
        self.conn.commit()
        return request

    def challenge(self, request_id: str, *, by: str) -> str:
        """Make a one-time code for the person and return it; only its hash is stored. It replaces an earlier one."""
        code = identity.new_code(self.random_bytes)
        hashed = identity.code_hash(self.vault.purpose_key(identity.KEY_PURPOSE), request_id, code)
        with self.conn.transaction():
            self._advance(request_id, Move(Event.CHALLENGE, by), "a one-time code was made")
            store.set_code(self.conn, request_id, hashed, self.now() + identity.VALID_FOR)
        self.conn.commit()
        return code

    def answer(self, request_id: str, code: str, *, by: str = "requester") -> Request:
        """Check the code that somebody gave. A miss is recorded before WrongCodeError is raised."""
        key = self.vault.purpose_key(identity.KEY_PURPOSE)
        with self.conn.transaction():
            _, kept = store.load(self.conn, request_id, for_update=True)
            is_late = kept.code_expires_at is not None and kept.code_expires_at <= self.now()
            is_match = identity.matches(key, request_id, code, kept.code_hash) and not is_late
            event = Event.CODE_MATCHED if is_match else Event.CODE_MISSED
            why = "the code was right" if is_match else "the code's time was over" if is_late else "the code was wrong"
            request = self._advance(request_id, Move(event, by), why)
            if is_match or request.state is State.IDENTITY_FAILED:
                store.set_code(self.conn, request_id, None, None)
        self.conn.commit()
        if not is_match:
            raise WrongCodeError(f"{why}; {request.case.tries_left} tries are left, and a new code can be made")
        return request

    def attest(self, request_id: str, *, by: str, reason: str) -> Request:
        """An operator vouches for the identity and says on what ground."""
        return self.move(request_id, Move(Event.ATTEST, by), reason)

    def assess(self, request_id: str, count: blast.CountReach, *, by: str) -> Request:
        """Count what the request touches: more than 1 % of any table waits for another person."""
        reach = count(self.task(request_id).subject)
        large = blast.large_tables(reach)
        detail = {"rows_touched": {table: found.n_touched for table, found in reach.items()}, "large": large}
        why = f"touches more than 1 % of {', '.join(large)}" if large else "touches at most 1 % of every table"
        return self.move(request_id, Move(Event.ASSESS, by, is_large=bool(large)), why, detail)

    def approve(self, request_id: str, *, by: str, reason: str) -> Request:
        """Another person agrees to a large request."""
        return self.move(request_id, Move(Event.APPROVE, by), reason)

    def refuse(self, request_id: str, *, by: str, reason: str) -> Request:
        """Refuse before anything was begun; the person must be told why (GDPR art. 12(4))."""
        return self.move(request_id, Move(Event.REFUSE, by), reason)

    def withdraw(self, request_id: str, *, by: str, reason: str) -> Request:
        """The person takes the request back before anything was begun."""
        return self.move(request_id, Move(Event.WITHDRAW, by), reason)

    def extend(self, request_id: str, *, by: str, reason: str) -> Request:
        """Two further months, once, and only before the first is over (GDPR art. 12(3))."""
        request, _ = store.load(self.conn, request_id)
        if self.now().date() > request.due_on:
            raise IncompleteRequestError(f"{request_id} was due on {request.due_on}; extend a request before it is due")
        return self.move(request_id, Move(Event.EXTEND, by), reason)

    def move(self, request_id: str, move: Move, reason: str, detail: Mapping[str, Any] | None = None) -> Request:
        """One step of the machine, stored with its event. Raises ForbiddenTransitionError."""
        with self.conn.transaction():
            request = self._advance(request_id, move, reason, detail)
        self.conn.commit()
        return request

    def task(self, request_id: str) -> Task:
        """What the request is about, unsealed. Raises SubjectGoneError once it is over."""
        request, kept = store.load(self.conn, request_id)
        if kept.sealed is None:
            raise SubjectGoneError(f"{request_id} is {request.state}: whose it was is no longer stored")
        opened = json.loads(self.vault.unseal(kept.sealed, _bound(request_id)))
        return Task(request_id, request.kind, opened["subject"], self.now(), opened["details"])

    def others_open(self, request_id: str) -> list[str]:
        """Other open requests of the same person, under whichever of their ids."""
        _, kept = store.load(self.conn, request_id)
        names = every_id(self.conn, [self.task(request_id).subject]) if kept.sealed is not None else ()
        codes = {kept.blinded_subject, *(blinded(self.vault, name) for name in names)}
        found = [request for code in codes for request in store.find(self.conn, blinded_subject=code, only_open=True)]
        return sorted(request.request_id for request in found if request.request_id != request_id)

    @contextmanager
    def claimed(self, request_id: str) -> Iterator[None]:
        """Hold the request's lock; it ends with the connection, so a killed worker leaves none behind."""
        lock = "hashtextextended(%s, 0)"
        row = self.conn.execute(f"select pg_try_advisory_lock({lock})".encode(), (request_id,)).fetchone()
        self.conn.commit()
        if not row or not row[0]:
            raise AlreadyRunningError(f"{request_id} is being carried out by another process; wait for it")
        try:
            yield
        finally:
            if not self.conn.closed:
                self.conn.rollback()
                self.conn.execute(f"select pg_advisory_unlock({lock})".encode(), (request_id,))
                self.conn.commit()

    def _advance(self, request_id: str, move: Move, reason: str, detail: Mapping[str, Any] | None = None) -> Request:
        request, kept = store.load(self.conn, request_id, for_update=True)
        subject = None if kept.sealed is None else self.task(request_id).subject
        _require_words(move.actor, reason, subject)
        case = step(request.case, move)
        due = due_on(request.received_at.date(), is_extended=case.is_extended)
        at = self.now()
        entry = Entry(move.event, request.state, case.state, move.actor, reason, at, dict(detail or {}))
        moved = replace(request, case=case, due_on=due, closed_at=at if case.state in TERMINAL else None)
        store.advance(self.conn, moved, entry)
        return moved


def _bound(request_id: str) -> bytes:
    return f"privacy-request/{request_id}".encode()


def _require_words(by: str, reason: str, subject: str | None) -> None:
    """Who and why are kept for years, so both must be there and neither may name the person."""
    if not by.strip() or not reason.strip():
        raise IncompleteRequestError("every step needs who takes it and why")
    if subject is None or len(subject) < SHORTEST_NAME:
        return
    if re.search(rf"(?<!\w){re.escape(subject)}(?!\w)", reason, re.IGNORECASE):
        raise SubjectInReasonError("the reason holds the person's id; write it without, for reasons outlive an erasure")
