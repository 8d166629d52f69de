"""The receipt of an erasure: a document that can only be made of a complete one, and checked on another machine."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from privacy import signing
from privacy.erasure.errors import InvalidReceiptError, SurvivingRowsError

TYPE = "lethe/erasure-receipt"
VERSION = 1


@dataclass(frozen=True, slots=True)
class TargetProof:
    """One target: its predicate by digest, rows before, deleted and after. after must have been counted."""

    target: str
    rule: str
    reason: str
    predicate_sha256: str
    before: int
    deleted: int
    after: int


@dataclass(frozen=True, slots=True)
class StoreProof:
    """One store searched without a registry: how much of it, and how often a key was found."""

    store: str
    n_items: int
    n_bytes: int
    n_hits: int


@dataclass(frozen=True, slots=True)
class AggregateProof:
    """A table of figures about many: its rows' digest before and after."""

    table: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A complete erasure. Raises SurvivingRowsError when something is left or nothing was measured."""

    request_id: str
    erasure_id: str
    blinded_subject: bytes
    n_identities: int
    opened_at: datetime
    completed_at: datetime
    targets: tuple[TargetProof, ...]
    stores: tuple[StoreProof, ...]
    aggregates: tuple[AggregateProof, ...]
    tainted_models: tuple[Mapping[str, Any], ...]
    ledger_head: str
    n_restated: int
    n_salts_left: int

    def __post_init__(self) -> None:
        left = [f"{proof.target}: {proof.after}" for proof in self.targets if proof.after != 0]
        left += [f"{proof.store}: {proof.n_hits}" for proof in self.stores if proof.n_hits != 0]
        left += [f"vault: {self.n_salts_left}"] if self.n_salts_left else []
        if left or not self.targets or not self.stores:
            raise SurvivingRowsError(
                f"no receipt for {self.erasure_id}: {'; '.join(left) or 'nothing was measured'}; erase again"
            )

    def document(self) -> dict[str, Any]:
        """The receipt as JSON, not signed yet."""
        document: dict[str, Any] = {
            "type": TYPE,
            "version": VERSION,
            "status": "complete",
            "request_id": self.request_id,
            "erasure_id": self.erasure_id,
            "blinded_subject": self.blinded_subject.hex(),
            "n_identities": self.n_identities,
            "opened_at": self.opened_at.isoformat(),
            "completed_at": self.completed_at.isoformat(),
            "targets": [_row(proof) for proof in self.targets],
            "stores": [_row(proof) for proof in self.stores],
            "aggregates": [_row(proof) for proof in self.aggregates],
            "tainted_models": [dict(model) for model in self.tainted_models],
            "restated_days": self.n_restated,
            "vault": {"salts_left": self.n_salts_left},
            "ledger_head": self.ledger_head,
        }
        return document | {"digests": {name: _digest(document[name]) for name in ("targets", "stores", "aggregates")}}


def check(document: Mapping[str, Any], trusted: Collection[str] | None = None) -> None:
    """Check a receipt by itself, on any machine: its signature, its digests, and that nothing was left.

    Raises InvalidSignatureError, UntrustedSignerError or InvalidReceiptError.
    """
    signing.verify(document, trusted)
    if document.get("type") != TYPE or document.get("version") != VERSION or document.get("status") != "complete":
        raise InvalidReceiptError("this is no receipt of a complete erasure; ask its sender for the receipt itself")
    left = [row["target"] for row in document["targets"] if row["after"] != 0]
    left += [row["store"] for row in document["stores"] if row["n_hits"] != 0]
    if left or not document["targets"] or not document["stores"] or document["vault"]["salts_left"]:
        raise InvalidReceiptError(f"the receipt says complete and counts something left in {', '.join(left) or 'all'}")
    wrong = [name for name, digest in document["digests"].items() if digest != _digest(document[name])]
    if wrong:
        raise InvalidReceiptError(
            f"the digests of {', '.join(wrong)} do not fit; ask its sender for the receipt itself"
        )


def predicate_digest(predicate: str) -> str:
    """What was asked before and after, in one figure."""
    return hashlib.sha256(predicate.encode()).hexdigest()


def _row(proof: Any) -> dict[str, Any]:
    return {name: getattr(proof, name) for name in proof.__slots__}


def _digest(rows: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(signing.canonical(list(rows))).hexdigest()
