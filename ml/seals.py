"""Proof that the alias `champion` stands where a promotion or a rollback put it. Pure; keys are arguments.

Whoever may write to the registry can move an alias. Nobody else than this platform can make the seal of the move: an
HMAC-SHA256 (FIPS 198-1) over the model and its champions so far, under a key of the vault. An old seal that is put back
together with its alias is not told from a rollback.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass


class UnsealedChampionError(Exception):
    """The alias leads to a version that neither gates nor a rollback put there."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The champions so far, the present one last. before: where the alias leads until the move is done."""

    champions: tuple[int, ...]
    before: int | None = None

    def allows(self, version: int) -> bool:
        """Whether the alias may lead to this version."""
        return version in (self.champions[-1], self.before)


def seal(key: bytes, model: str, champions: Sequence[int], *, before: int | None = None) -> str:
    """The seal of a model whose last champion is the present one."""
    content = _content(model, champions, before)
    return json.dumps({"champions": list(champions), "before": before, "mac": _mac(key, content)})


def sealed(text: str | None, key: bytes, model: str) -> Seal | None:
    """What a seal says; None where there is none or it was not made with this key for this model."""
    try:
        found = json.loads(text or "")
        champions, before, mac = tuple(map(int, found["champions"])), found["before"], str(found["mac"])
    except (ValueError, TypeError, KeyError):
        return None
    right = hmac.compare_digest(mac.encode(), _mac(key, _content(model, champions, before)).encode())
    return Seal(champions, before) if right and champions else None


def require_sealed(found: Seal | None, model: str, champion: int | None) -> None:
    """Raise UnsealedChampionError unless the seal names this champion, or the one before a move that was cut short."""
    if champion is None or (found is not None and found.allows(champion)):
        return
    raise UnsealedChampionError(
        f"the alias champion of {model} leads to version {champion}, which no gate and no rollback put there; `lethe "
        "rollback --reason ...` puts the last sealed champion back, or takes the alias away where none is known"
    )


def _content(model: str, champions: Sequence[int], before: int | None) -> str:
    return json.dumps({"model": model, "champions": list(champions), "before": before}, sort_keys=True)


def _mac(key: bytes, content: str) -> str:
    return hmac.digest(key, content.encode(), hashlib.sha256).hex()
