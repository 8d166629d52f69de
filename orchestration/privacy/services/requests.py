"""RequestService: what people ask about their data, from first word to proof. Thin: privacy/requests does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.privacy import request_effects
from privacy import access_log
from privacy.access_log import Reader
from privacy.exports import links
from privacy.exports import store as packages
from privacy.requests import store
from privacy.requests.desk import Desk
from privacy.requests.kinds import Kind
from privacy.requests.store import Entry, Request

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.platform import Platform


@dataclass(frozen=True, slots=True)
class RequestService:
    """Requests of one home. Each step is stored with who took it and why; a step out of turn is refused."""

    platform: Platform

    def open(
        self, kind: str, user_id: str, *, by: str, reason: str, details: Mapping[str, Any] | None = None
    ) -> Request:
        """Record a request; its month begins now. kind: one of privacy.requests.kinds.Kind."""
        with self._desk() as desk:
            return desk.open(Kind(kind), user_id, by=by, reason=reason, details=details)

    def find(self, *, only_open: bool = False) -> list[Request]:
        """Requests by due date, without whose they are."""
        with self._desk() as desk:
            return store.find(desk.conn, only_open=only_open)

    def trail(self, request_id: str, reader: Reader) -> tuple[Request, list[Entry]]:
        """A request and every step of it. The access log keeps who read it."""
        with self._desk() as desk:
            request, kept = store.load(desk.conn, request_id)
            found = store.events(desk.conn, request_id)
            access_log.record(
                desk.conn, desk.vault, reader, at=desk.now(), place="privacy.request_events", n_rows=len(found),
                subject=kept.blinded_subject,
            )  # fmt: skip
        return request, found

    def challenge(self, request_id: str, *, by: str) -> str:
        """A one-time code for the person, to be sent to them."""
        with self._desk() as desk:
            return desk.challenge(request_id, by=by)

    def answer(self, request_id: str, code: str, *, by: str) -> Request:
        """Check the code that the person gave back, and count what the request touches."""
        with self._desk() as desk:
            desk.answer(request_id, code)
            return request_effects.assess(self.platform, desk, request_id, by=by)

    def attest(self, request_id: str, *, by: str, reason: str) -> Request:
        """Vouch for who asks, and count what the request touches."""
        with self._desk() as desk:
            desk.attest(request_id, by=by, reason=reason)
            return request_effects.assess(self.platform, desk, request_id, by=by)

    def approve(self, request_id: str, *, by: str, reason: str) -> Request:
        """Another person agrees to a request that touches much of a table."""
        with self._desk() as desk:
            return desk.approve(request_id, by=by, reason=reason)

    def refuse(self, request_id: str, *, by: str, reason: str) -> Request:
        """Refuse a request before it is begun."""
        with self._desk() as desk:
            return desk.refuse(request_id, by=by, reason=reason)

    def withdraw(self, request_id: str, *, by: str, reason: str) -> Request:
        """The person takes the request back."""
        with self._desk() as desk:
            return desk.withdraw(request_id, by=by, reason=reason)

    def extend(self, request_id: str, *, by: str, reason: str) -> Request:
        """Two further months, once."""
        with self._desk() as desk:
            return desk.extend(request_id, by=by, reason=reason)

    def run(self, request_id: str, *, by: str) -> Request:
        """Carry a request out and measure that it is done. Raises SurvivingRowsError; again after a crash."""
        with self._desk() as desk:
            return request_effects.carry_out(self.platform, desk, request_id, by=by)

    def link(self, request_id: str) -> str | None:
        """A new link to a request's package, for one use within 7 days; None where it has none."""
        with self._desk() as desk:
            made = packages.of_request(desk.conn, request_id)
            key = self.platform.vault.purpose_key(links.KEY_PURPOSE)
            return links.issue(desk.conn, key, made[-1], desk.random_bytes) if made else None

    def redeem(self, link: str, reader: Reader) -> Path:
        """The file of a link's package; the link is used up, and the access log keeps by whom."""
        with self._desk() as desk:
            folder = packages.folder_of(self.platform.home)
            return links.redeem(desk.conn, desk.vault, link, folder, now=desk.now(), reader=reader)

    def expire(self) -> list[str]:
        """Remove packages whose time is over; returns their ids."""
        with self._desk() as desk:
            return packages.expire(desk.conn, packages.folder_of(self.platform.home), now=desk.now())

    @contextmanager
    def _desk(self) -> Iterator[Desk]:
        with self.platform.database.connect("privacy") as conn:
            yield Desk(conn, self.platform.vault, self.platform.settings.now)
