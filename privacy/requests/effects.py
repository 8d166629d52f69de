"""What an effect of a request is, and the one whose work others do: erasure, and unlinking, which is one that leaves
events without their person. The order is running.py's.

An effect can be carried out again after a crash at any point, and measures by looking, not by remembering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from privacy import signing
from privacy.errors import InvalidSignatureError
from privacy.requests.errors import UnprovenOutcomeError
from privacy.requests.kinds import Task

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

Evidence = Mapping[str, Any]  # counts, names of tables, digests; stored with the request's events


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was found undone, by place, and whether the finding is proven. Only zero everywhere completes a request."""

    survivors: Mapping[str, int]
    is_proven: bool
    detail: Evidence = field(default_factory=dict)

    @property
    def n_survivors(self) -> int:
        return sum(self.survivors.values())


class Effect(Protocol):
    """What a kind of request brings about."""

    def carry_out(self, task: Task) -> Evidence:
        """Do it; again when it was done in part. Returns what to store, without values."""

    def measure(self, task: Task, evidence: Evidence) -> Measurement:
        """Look whether it is done."""


class Eraser(Protocol):
    """Erases a person from every store; resumable by request id. Returns the signed receipt as a JSON document.

    The receipt names the request as `request_id`. It holds `targets`, a list of {target, ..., after: rows left}, and
    may hold `stores`, a list of {store, ..., n_hits}.
    """

    def __call__(
        self, subject: str, *, request_id: str, now: datetime, aliases: Collection[str]
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Erasure:
    """Erasure by an eraser, believed only by its receipt. trusted: ids of the keys whose receipts count; None: any.

    The details may name the person's other ids: {"aliases": [...]}.
    """

    eraser: Eraser
    trusted: Collection[str] | None = None

    def carry_out(self, task: Task) -> Evidence:
        aliases = [str(alias) for alias in task.details.get("aliases", ())]
        receipt = self.eraser(task.subject, request_id=task.request_id, now=task.at, aliases=aliases)
        return {"receipt": dict(receipt)}

    def measure(self, task: Task, evidence: Evidence) -> Measurement:
        receipt = evidence["receipt"]
        survivors = survivors_of(receipt, task.request_id)
        try:
            signing.verify(receipt, self.trusted)
        except InvalidSignatureError as error:
            return Measurement(survivors, is_proven=False, detail={"proof": type(error).__name__})
        return Measurement(survivors, is_proven=True, detail={"receipt_sha256": signing.digest(receipt)})


def survivors_of(receipt: Mapping[str, Any], request_id: str) -> dict[str, int]:
    """What is left, by target and store. Raises UnprovenOutcomeError for another's receipt or one without counts."""
    if receipt.get("request_id") != request_id:
        raise UnprovenOutcomeError(f"the receipt is not that of {request_id}; run the request again")
    if not receipt.get("targets"):
        raise UnprovenOutcomeError(f"the receipt of {request_id} names no target; nothing was measured")
    counts = {str(row.get("target")): row.get("after") for row in receipt["targets"]}
    counts |= {str(row.get("store")): row.get("n_hits") for row in receipt.get("stores", ())}
    unmeasured = [place for place, n in counts.items() if not _is_count(n)]
    if unmeasured:
        raise UnprovenOutcomeError(f"the receipt of {request_id} has no count after erasure of {unmeasured[0]}")
    return counts


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
