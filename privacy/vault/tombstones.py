"""The list of destroyed keys: append-only, chained by hashes, outside the vault's folder: restoring that keeps it.

It holds blinded subjects (HMACs under a key of the vault), so it names nobody to who has the list alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from privacy.vault.errors import MissingTombstonesError
from privacy.vault.files import sync_folder

START = sha256(b"lethe tombstones").digest()


@dataclass(frozen=True, slots=True)
class Position:
    """How much of the list a vault has acted on: bytes, and the chain's hash at that place."""

    n_bytes: int = 0
    chain: bytes = START


@dataclass(frozen=True, slots=True)
class Tombstones:
    """One list. Callers hold the vault's lock."""

    path: Path

    def append(self, subjects: Sequence[bytes], after: Position) -> Position:
        """Write blinded subjects to disk after a position, where the list must end; the new end."""
        position, lines = after, []
        for subject in subjects:
            position, line = _next(position, subject)
            lines.append(line)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(after.n_bytes)  # a line torn by a kill was never acted on
            file.seek(after.n_bytes)
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self.path.parent)
        return position

    def since(self, position: Position) -> tuple[list[bytes], Position]:
        """Blinded subjects after a position, and the end of the list.

        Raises MissingTombstonesError when the list does not hold the position, or a later line is not chained to it.
        """
        subjects: list[bytes] = []
        for line in self._after(position):
            subject = _subject(line)
            position, expected = _next(position, subject)
            if line != expected:
                raise MissingTombstonesError(self._broken())
            subjects.append(subject)
        return subjects, position

    def count(self, position: Position) -> int:
        """How many keys were destroyed up to a position. Every line has the same length."""
        return position.n_bytes // len(_next(Position(), bytes(32))[1])

    def _after(self, position: Position) -> list[bytes]:
        """Whole lines after a position; a torn last line was never acted on and is left out."""
        if not self.path.exists():
            if position.n_bytes:
                raise MissingTombstonesError(self._broken())
            return []
        length = len(_next(Position(), bytes(32))[1])
        with self.path.open("rb") as file:
            before = max(0, position.n_bytes - length)
            file.seek(before)
            content = file.read()
        known, rest = content[: position.n_bytes - before], content[position.n_bytes - before :]
        if position.n_bytes and _chain(known) != position.chain:
            raise MissingTombstonesError(self._broken())
        return [line + b"\n" for line in rest.split(b"\n")[:-1]]

    def _broken(self) -> str:
        return (
            f"{self.path}, the list of destroyed keys, is missing, older than the vault or another vault's: opening "
            "the vault could bring back keys of erased people; put the newest copy of that file back"
        )


def _next(position: Position, subject: bytes) -> tuple[Position, bytes]:
    chain = sha256(position.chain + subject).digest()
    line = b'{"subject":"%s","chain":"%s"}\n' % (subject.hex().encode(), chain.hex().encode())
    return Position(position.n_bytes + len(line), chain), line


def _subject(line: bytes) -> bytes:
    try:
        return bytes.fromhex(json.loads(line)["subject"])
    except (ValueError, KeyError, TypeError):
        return b""  # its line will not be the expected one


def _chain(line: bytes) -> bytes | None:
    try:
        return bytes.fromhex(json.loads(line)["chain"])
    except (ValueError, KeyError, TypeError):
        return None
