"""What one person is called everywhere: user ids, pseudonyms, blinded memberships, personas. It deletes nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from privacy.pseudonyms import PSEUDONYMOUS, encoded, subject_tokens
from privacy.vault import Vault

LEDGER_PURPOSE = "erasure-ledger"
SHORTEST = 8  # bytes: a shorter id cannot be told from chance, so only whole values are looked for


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """One person's keys. members: blinded rows of training sets; personas: ids that belong to nobody else.

    unlinked: what events are called that stay without the person; nobody looks for it, and it goes with the rest.
    """

    users: tuple[str, ...] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    members: tuple[bytes, ...] = field(default=(), repr=False)
    personas: tuple[str, ...] = field(default=(), repr=False)
    unlinked: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, users: Iterable[str], vault: Vault) -> SubjectKeys:
        """Keys of a person whose salts the vault still has."""
        names = tuple(dict.fromkeys(users))
        tokens = subject_tokens(names, vault.salts(names), vault.purpose_key(PSEUDONYMOUS))
        return cls(names, tuple(tokens[name] for name in names))

    def merged(self, other: SubjectKeys) -> SubjectKeys:
        """Both, each key once."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return SubjectKeys(*(tuple(dict.fromkeys((*one, *two))) for one, two in pairs))

    def with_members(self, members: Iterable[bytes]) -> SubjectKeys:
        return self.merged(replace(self, members=tuple(members)))

    def parameters(self, erasure_id: str) -> dict[str, Any]:
        """Parameters of every target's predicate."""
        return {
            "users": list(self.users),
            "tokens": list(self.tokens),
            "members": list(self.members),
            "personas": list(self.personas),
            "unlinked": list(self.unlinked),
            "erasure": erasure_id,
        }

    def dump(self) -> bytes:
        """For sealing: JSON."""
        document = {
            "users": self.users,
            "tokens": self.tokens,
            "members": [member.hex() for member in self.members],
            "personas": self.personas,
            "unlinked": self.unlinked,
        }
        return json.dumps(document).encode()

    @classmethod
    def load(cls, content: bytes) -> SubjectKeys:
        found = json.loads(content)
        members = tuple(bytes.fromhex(member) for member in found["members"])
        texts = {name: tuple(found[name]) for name in ("users", "tokens", "personas", "unlinked")}
        return cls(members=members, **texts)

    def needles(self) -> tuple[str, ...]:
        """What must appear nowhere, as it stands in text and in JSON; short ids as whole JSON values only."""
        found = [needle for user in self.users for needle in needles_of(user)]
        return tuple(dict.fromkeys((*found, *self.tokens)))


def needles_of(user: str) -> tuple[str, ...]:
    """One id as plain text and as JSON writes it; a short one as a whole JSON value."""
    escaped = json.dumps(user)
    if len(encoded(user)) < SHORTEST:
        return (escaped,)
    return tuple(dict.fromkeys((user, escaped[1:-1], json.dumps(user, ensure_ascii=False)[1:-1])))


def blinder(vault: Vault) -> Blinder:
    """Blinds keys for the ledger."""
    return Blinder(vault.purpose_key(LEDGER_PURPOSE))


@dataclass(frozen=True, slots=True)
class Blinder:
    """HMAC-SHA256 under the ledger's key: whoever has the ledger alone learns nobody's name."""

    key: bytes = field(repr=False)

    def text(self, value: str) -> bytes:
        return hmac.digest(self.key, encoded(value), hashlib.sha256)

    def member(self, value: bytes) -> bytes:
        return hmac.digest(self.key, b"member\x00" + value, hashlib.sha256)

    def all_of(self, keys: SubjectKeys) -> list[bytes]:
        """Every key of a person, blinded; sorted, so that the order tells nothing."""
        texts = [self.text(value) for value in (*keys.users, *keys.tokens)]
        return sorted({*texts, *(self.member(value) for value in keys.members)})
