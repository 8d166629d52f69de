"""Promotions that people approve: asked for when the gates have passed, done with the last approval that it takes.

What counts as an approval is ml/approvals.py's, whether a version is good enough ml/gates.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ml import approvals
from ml.approvals import (
    APPROVED,
    REFUSED,
    ApprovalMissingError,
    NoRequestError,
    RefusedPromotionError,
    Request,
    Standing,
    Statement,
)
from ml.journal import Entry, Event

if TYPE_CHECKING:
    from ml.journal import Journal
    from ml.promotion import PromotionDecision
    from ml.registry import Registry

REQUEST, STATEMENTS = "lethe.approval_request", "lethe.approvals"
WITHDRAWN = "withdrawn"
NAMED = 2  # people who approve, where a model is one of those that people approve


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version that waits, and where its request stands."""

    request: Request
    standing: Standing


@dataclass(frozen=True, slots=True)
class FourEyes:
    """Requests and approvals of one model's registry. key: what they are sealed with; needed: people who approve."""

    registry: Registry
    journal: Journal
    key: bytes = field(repr=False)
    needed: int = NAMED

    def ask(self, decision: PromotionDecision, at: datetime) -> Standing:
        """Let a version that passed its gates wait; approvals given before count on. Raises RefusedPromotionError."""
        version = decision.version
        if not decision.passed:
            raise NoRequestError(decision.explain())
        tags = self.registry.versions()[version]
        request = Request(decision.name, version, tags["lethe.artifact_sha256"], decision.incumbent, at)
        stands = approvals.standing(self._statements(tags, request), self.needed, at)
        self._require_not_refused(version, stands)
        self.registry.note(version, {REQUEST: approvals.seal_request(self.key, request)})
        self._tell(f"Version {version} waits for approval", f"All gates passed; {describe(stands)}.")
        return stands

    def withdraw(self, version: int) -> None:
        """A version that a gate refused waits no longer."""
        if REQUEST in self.registry.versions()[version]:
            self.registry.note(version, {REQUEST: WITHDRAWN})

    def waiting(self, at: datetime) -> list[Waiting]:
        """Every version that waits, oldest first. Raises TamperedApprovalError."""
        found = []
        for version, tags in self.registry.versions().items():
            if tags.get(REQUEST, WITHDRAWN) != WITHDRAWN and version != self.registry.champion():
                request = approvals.open_request(self.key, tags[REQUEST], self.registry.name, version)
                said = self._statements(tags, request)
                found.append(Waiting(request, approvals.standing(said, self.needed, at)))
        return found

    def approve(self, version: int, person: str, reason: str, at: datetime) -> Standing:
        """Take a person's approval; the last one that it takes makes the version champion.

        Raises an ApprovalError: no request, too late, the same person, refused by somebody, or changed by somebody.
        """
        request, said = self._open(version, at)
        self._require_not_refused(version, approvals.standing(said, self.needed, at))
        approvals.require_another_person(said, person, at)
        stands = self._record(request, (*said, Statement(person.strip(), APPROVED, at)), at)
        self._tell(f"Version {version} approved by {person.strip()}", f"{reason} ({describe(stands)})")
        if stands.is_complete:
            self._promote(request, stands)
        return stands

    def refuse(self, version: int, person: str, reason: str, at: datetime) -> Standing:
        """Take a person's refusal: this version is never promoted. Raises an ApprovalError."""
        request, said = self._open(version, at)
        self._require_not_refused(version, approvals.standing(said, self.needed, at))
        approvals.require_name(person)
        stands = self._record(request, (*said, Statement(person.strip(), REFUSED, at)), at)
        self._tell(f"Version {version} refused by {person.strip()}", reason)
        return stands

    def _open(self, version: int, at: datetime) -> tuple[Request, tuple[Statement, ...]]:
        tags = self.registry.versions().get(version, {})
        if tags.get(REQUEST, WITHDRAWN) == WITHDRAWN:
            raise NoRequestError(
                f"version {version} of {self.registry.name} does not wait for approval; `lethe models waiting` "
                "lists those that do"
            )
        request = approvals.open_request(self.key, tags[REQUEST], self.registry.name, version)
        approvals.require_open(request, self.registry.champion(), at)
        if self.registry.was_rolled_back(version):
            raise NoRequestError(f"version {version} of {self.registry.name} was rolled back; train another version")
        return request, self._statements(tags, request)

    def _statements(self, tags: dict[str, str], request: Request) -> tuple[Statement, ...]:
        return approvals.open_statements(self.key, tags[STATEMENTS], request) if STATEMENTS in tags else ()

    def _record(self, request: Request, said: tuple[Statement, ...], at: datetime) -> Standing:
        """Keep what counts: approvals past their term go, so that the record stays short."""
        kept = [item for item in said if item.verdict == REFUSED or at - item.at <= approvals.VALID]
        self.registry.note(request.version, {STATEMENTS: approvals.seal_statements(self.key, request, kept)})
        return approvals.standing(kept, self.needed, at)

    def _promote(self, request: Request, stands: Standing) -> None:
        """The file is loaded once more: what was approved is what becomes champion."""
        self.registry.load_version(request.version)
        self.registry.promote(request.version)
        if (now := self.registry.champion()) != request.version:
            raise ApprovalMissingError(f"{request.model} still has champion {now} after the move; approve again")
        self.registry.note(request.version, {REQUEST: WITHDRAWN})
        text = f"Approved by {' and '.join(stands.approved_by)}; {request.incumbent or 'none'} was champion before."
        self._tell(f"Version {request.version} is champion", text)

    def _require_not_refused(self, version: int, stands: Standing) -> None:
        if stands.refused_by:
            raise RefusedPromotionError(
                f"version {version} of {self.registry.name} was refused by {' and '.join(stands.refused_by)}; "
                "train another version"
            )

    def _tell(self, decision: str, text: str) -> None:
        self.journal.write(Entry(Event.MODEL_COMPARED, None, self.registry.name, decision, text, None))


def describe(stands: Standing) -> str:
    """Where a request stands, in words."""
    by = f" by {' and '.join(stands.approved_by)}" if stands.approved_by else ""
    return f"{len(stands.approved_by)} of {stands.needed} approvals{by}"
