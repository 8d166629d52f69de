"""The ledger of erasures, outside the database and its backups: append-only JSON Lines, chained, on disk when it says.

It holds blinded keys only. A restored database is behind it, and catches up before anybody logs in: boot.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from privacy.erasure.errors import BrokenLedgerError
from privacy.erasure.keys import Blinder
from privacy.signing import canonical
from privacy.vault.files import sync_folder

REFUSAL = timedelta(days=56)  # two cycles of 28 days: late events of the erased are not taken in
START = hashlib.sha256(b"lethe erasures").hexdigest()
OPENED, COMPLETED = "opened", "completed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: an erasure that began or was completed. digest chains it to all lines before.

    is_unlinking: the person's events stayed as statistics, and stay so when a restored database catches up.
    """

    kind: str
    erasure_id: str
    keys: tuple[bytes, ...]
    at: datetime
    refuse_until: datetime
    receipt_sha256: str | None
    digest: str
    is_unlinking: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger file and the key that blinds. Raises BrokenLedgerError where a line was changed, cut or left out."""

    path: Path
    blinder: Blinder

    def entries(self) -> list[Entry]:
        """Every entry, checked from the first on. A last line torn by a kill was never acted on and does not count."""
        return list(_checked(self._lines(), self.path)) if self.path.exists() else []

    def head(self) -> str:
        """The digest of the last completed erasure, or of the empty ledger."""
        completed = [entry.digest for entry in self.entries() if entry.kind == COMPLETED]
        return completed[-1] if completed else START

    def append(
        self,
        kind: str,
        erasure_id: str,
        keys: Sequence[bytes],
        at: datetime,
        receipt_sha256: str | None = None,
        *,
        is_unlinking: bool = False,
    ) -> Entry:
        """Add an entry and return it when it is on disk. The same fact twice is one entry."""
        with self._locked():
            entries = self.entries()
            for entry in entries:
                if (entry.kind, entry.erasure_id, entry.receipt_sha256) == (kind, erasure_id, receipt_sha256) and (
                    set(entry.keys) >= set(keys)
                ):
                    return entry
            facts: dict[str, Any] = {
                "at": at.isoformat(),
                "erasure_id": erasure_id,
                "keys": [key.hex() for key in keys],
                "kind": kind,
                "previous": entries[-1].digest if entries else START,
                "receipt_sha256": receipt_sha256,
                "refuse_until": (at + REFUSAL).isoformat(),
            }
            if is_unlinking:  # left out elsewhere: ledgers from before there was a choice stay as they are
                facts["is_unlinking"] = True
            line = canonical({**facts, "digest": _digest(facts)}) + b"\n"
            self._write(line)
        return _entry({**facts, "digest": _digest(facts)})

    def is_erased(self, user_ids: Iterable[str], now: datetime) -> set[str]:
        """Those of the user ids whose events are refused at this moment."""
        return self.refusal(now)(user_ids)

    def refusal(self, now: datetime) -> Callable[[Iterable[str]], set[str]]:
        """is_erased for many batches: the ledger is read once."""
        refused = {key for entry in self.entries() if entry.refuse_until > now for key in entry.keys}

        def of(user_ids: Iterable[str]) -> set[str]:
            return {user for user in user_ids if self.blinder.text(user) in refused} if refused else set()

        return of

    def _lines(self) -> list[bytes]:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        return whole.splitlines()

    def _write(self, line: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self.path.parent)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        with os.fdopen(descriptor, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _checked(lines: list[bytes], path: Path) -> Iterator[Entry]:
    previous = START
    for number, line in enumerate(lines, 1):
        try:
            document = json.loads(line)
            facts = {name: value for name, value in document.items() if name != "digest"}
            is_whole = document["digest"] == _digest(facts) and facts["previous"] == previous
            entry = _entry(document)
        except (ValueError, KeyError, TypeError):
            is_whole = False
        if not is_whole:
            raise BrokenLedgerError(f"line {number} of {path} was changed or is not next; restore the ledger's copy")
        previous = entry.digest
        yield entry


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(facts)).hexdigest()


def _entry(document: dict[str, Any]) -> Entry:
    return Entry(
        document["kind"],
        document["erasure_id"],
        tuple(bytes.fromhex(key) for key in document["keys"]),
        datetime.fromisoformat(document["at"]),
        datetime.fromisoformat(document["refuse_until"]),
        document["receipt_sha256"],
        document["digest"],
        document.get("is_unlinking", False),
    )
