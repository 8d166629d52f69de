"""Approvals of a promotion by people: what is approved, by whom, for how long, and the seal of each. Pure; no registry.

A statement is sealed with an HMAC-SHA256 (FIPS 198-1) under a key of the vault over everything that it is about: the
model, the version, the digest of its file, the champion that it would replace, the person and the moment. One that was
changed, or moved to another version, is refused, not overlooked. Names are what people state; they are no log-in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

VALID = timedelta(days=7)
LONGEST_NAME = 100
APPROVED, REFUSED = "approved", "refused"


class ApprovalError(Exception):
    """A promise of the approvals that could not be kept; the message says what to do."""


class ApprovalInputError(ApprovalError):
    """An approval that cannot be taken as it was given."""


class SamePersonError(ApprovalInputError):
    """Somebody who has approved this promotion already."""


class NoRequestError(ApprovalInputError):
    """A version that does not wait for approval."""


class ExpiredRequestError(ApprovalInputError):
    """A promotion that waited for too long, or for another champion than there is by now."""


class RefusedPromotionError(ApprovalInputError):
    """A promotion that a person refused."""


class TamperedApprovalError(ApprovalError):
    """A request or an approval that was changed after it was sealed, or is of another version."""


class ApprovalMissingError(ApprovalError):
    """A promotion that people have yet to approve."""


@dataclass(frozen=True, slots=True)
class Request:
    """A version that passed its gates and waits. artifact: SHA-256 of its file; incumbent: whom it would replace."""

    model: str
    version: int
    artifact: str
    incumbent: int | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person said of a request: APPROVED or REFUSED."""

    person: str
    verdict: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands: who approved and still counts, who refused, and how many approvals it takes."""

    approved_by: tuple[str, ...]
    refused_by: tuple[str, ...]
    needed: int

    @property
    def is_complete(self) -> bool:
        return not self.refused_by and len(self.approved_by) >= self.needed


def seal_request(key: bytes, request: Request) -> str:
    """The request as sealed text."""
    return _sealed(key, {"request": _plain(asdict(request))})


def open_request(key: bytes, text: str, model: str, version: int) -> Request:
    """The request in a text. Raises TamperedApprovalError unless it was sealed for this version of this model."""
    found = _opened(key, text, version)["request"]
    request = Request(**{**found, "asked_at": datetime.fromisoformat(found["asked_at"])})
    if (request.model, request.version) != (model, version):
        raise TamperedApprovalError(f"the request of version {version} was made for version {request.version}")
    return request


def seal_statements(key: bytes, request: Request, statements: Sequence[Statement]) -> str:
    """The statements as one text, each sealed for itself together with what it is about."""
    return json.dumps([_sealed(key, _content(request, statement)) for statement in statements])


def open_statements(key: bytes, text: str, request: Request) -> tuple[Statement, ...]:
    """The statements in a text about this request. Those about an earlier champion are left out.

    Raises TamperedApprovalError where one was changed, or is of another version or file.
    """
    found = []
    for sealed in _listed(text, request.version):
        content = _opened(key, sealed, request.version)
        if {name: content["about"][name] for name in ("model", "version", "artifact")} != {
            "model": request.model, "version": request.version, "artifact": request.artifact,
        }:  # fmt: skip
            raise TamperedApprovalError(f"an approval of version {request.version} was given for another version")
        if content["about"]["incumbent"] == request.incumbent or content["verdict"] == REFUSED:
            at = datetime.fromisoformat(content["at"])
            found.append(Statement(content["person"], content["verdict"], at))
    return tuple(found)


def standing(statements: Sequence[Statement], needed: int, now: datetime) -> Standing:
    """Who approved within VALID, and who refused, which does not pass."""
    approved = {_name(item.person): item.person for item in statements if _counts(item, now)}
    refused = tuple(item.person for item in statements if item.verdict == REFUSED)
    return Standing(tuple(approved.values()), refused, needed)


def require_open(request: Request, champion: int | None, now: datetime) -> None:
    """Raise ExpiredRequestError for a request that is older than VALID, or was compared with another champion."""
    if now - request.asked_at > VALID:
        raise ExpiredRequestError(
            f"version {request.version} passed its gates on {request.asked_at:%Y-%m-%d}, more than {VALID.days} days "
            "ago; run the model again, so that they judge it on today's data"
        )
    if request.incumbent != champion:
        raise ExpiredRequestError(
            f"version {request.version} was compared with champion {request.incumbent or 'none'}, now it is "
            f"{champion or 'none'}; run the model again"
        )


def require_another_person(statements: Sequence[Statement], person: str, now: datetime) -> None:
    """Raise SamePersonError for somebody whose approval counts already, ApprovalInputError for no name."""
    require_name(person)
    if any(_name(item.person) == _name(person) and _counts(item, now) for item in statements):
        raise SamePersonError(f"{person.strip()} has approved this version already; another person has to")


def require_name(person: str) -> None:
    """Raise ApprovalInputError for no name or a very long one."""
    if not _name(person) or len(person) > LONGEST_NAME:
        raise ApprovalInputError(f"--by needs a name of at most {LONGEST_NAME} characters: who decides is kept")


def _counts(statement: Statement, now: datetime) -> bool:
    return statement.verdict == APPROVED and timedelta(0) <= now - statement.at <= VALID


def _name(person: str) -> str:
    """One person by any writing of the name: case and spaces aside."""
    return " ".join(person.split()).casefold()


def _content(request: Request, statement: Statement) -> dict[str, object]:
    about = {name: value for name, value in asdict(request).items() if name != "asked_at"}
    return {"about": about, **_plain(asdict(statement))}


def _plain(fields: dict[str, object]) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}


def _sealed(key: bytes, content: dict[str, object]) -> str:
    return json.dumps({"content": content, "mac": _mac(key, content)})


def _opened(key: bytes, text: str, version: int) -> dict[str, Any]:
    try:
        found = json.loads(text)
        content, mac = dict(found["content"]), str(found["mac"])
    except (ValueError, TypeError, KeyError):
        content, mac = {}, ""
    if not hmac.compare_digest(mac.encode(), _mac(key, content).encode()):
        raise TamperedApprovalError(
            f"a request or an approval of version {version} was not sealed here or was changed; run the model again, "
            "and look at who can write to the registry"
        )
    return content


def _listed(text: str, version: int) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise TamperedApprovalError(f"the approvals of version {version} cannot be read; they were changed")
    return found


def _mac(key: bytes, content: dict[str, object]) -> str:
    text = json.dumps({"approval": content}, sort_keys=True)
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()
