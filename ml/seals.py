"""Proof that the alias `champion` stands where a promotion or a rollback put it. Pure; keys are arguments.

Whoever may write to the registry can move an alias. Nobody else than this platform can make the seal of the move: an
HMAC-SHA256 (FIPS 198-1) over model and version under a key of the vault.
"""

from __future__ import annotations

import hashlib
import hmac
import json


class UnsealedChampionError(Exception):
    """The alias leads to a version that neither gates nor a rollback put there."""


def seal(key: bytes, model: str, version: int, *, before: int | None = None) -> str:
    """The seal of a champion. before: the version that the alias leads to until the move is done."""
    content = json.dumps({"model": model, "version": version, "before": before}, sort_keys=True)
    return json.dumps({"version": version, "before": before, "mac": _mac(key, content)})


def sealed(text: str | None, key: bytes, model: str) -> tuple[int, int | None] | None:
    """(version, before) of a seal; None where there is none or it was not made with this key for this model."""
    try:
        found = json.loads(text or "")
        version, before, mac = int(found["version"]), found["before"], str(found["mac"])
    except (ValueError, TypeError, KeyError):
        return None
    content = json.dumps({"model": model, "version": version, "before": before}, sort_keys=True)
    return (version, before) if hmac.compare_digest(mac, _mac(key, content)) else None


def require_sealed(text: str | None, key: bytes, model: str, champion: int | None) -> None:
    """Raise UnsealedChampionError unless the seal names this champion, or the one before a move that was cut short."""
    found = sealed(text, key, model)
    if champion is None or (found is not None and champion in found):
        return
    raise UnsealedChampionError(
        f"the alias champion of {model} leads to version {champion}, which no gate and no rollback put there; "
        "`lethe rollback --reason ...` puts the last sealed champion back"
    )


def _mac(key: bytes, content: str) -> str:
    return hmac.digest(key, content.encode(), hashlib.sha256).hex()
