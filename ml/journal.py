"""The decision journal: JSON Lines that say what was decided and why. It never blocks or breaks its caller."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType

LEVELS = {"DEBUG": 10, "INFO": 20, "ERROR": 40, "OFF": 100}


class Event(StrEnum):
    """The event types a journal entry may carry; there are no others."""

    DATASET_UPLOADED = "DATASET_UPLOADED"
    DATASET_VALIDATED = "DATASET_VALIDATED"
    DATASET_PREPROCESSED = "DATASET_PREPROCESSED"
    TRAINING_STARTED = "TRAINING_STARTED"
    TRAINING_PROGRESS = "TRAINING_PROGRESS"
    TRAINING_COMPLETED = "TRAINING_COMPLETED"
    TRAINING_FAILED = "TRAINING_FAILED"
    TRAINING_STOPPED = "TRAINING_STOPPED"
    MODEL_EVALUATED = "MODEL_EVALUATED"
    MODEL_SAVED = "MODEL_SAVED"
    MODEL_DOWNLOADED = "MODEL_DOWNLOADED"
    MODEL_COMPARED = "MODEL_COMPARED"
    ALGORITHM_SELECTED = "ALGORITHM_SELECTED"
    HYPERPARAMETERS_SET = "HYPERPARAMETERS_SET"
    ISSUE_DETECTED = "ISSUE_DETECTED"


ERRORS = frozenset({Event.ISSUE_DETECTED, Event.TRAINING_FAILED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision: the fields of the journal's schema, without the timestamp."""

    event: Event
    dataset: str | None = None
    model: str | None = None
    decision: str | None = None
    reasoning: str | None = None
    metrics: Mapping[str, object] | None = None
    level: str | None = None

    def importance(self) -> int:
        return LEVELS[self.level or ("ERROR" if self.event in ERRORS else "INFO")]


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What became of the entries: written + dropped (queue full or not writable) + undelivered (closed too soon)."""

    n_written: int
    n_dropped: int
    n_undelivered: int
    last_error: str | None


def encode(entry: Entry, at: datetime) -> bytes:
    """The entry as one line of JSON with exactly seven fields; what is no JSON number becomes null."""
    import orjson

    document = {
        "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "event": str(entry.event),
        "dataset": entry.dataset,
        "model": entry.model,
        "decision": entry.decision,
        "reasoning": entry.reasoning,
        "metrics_snapshot": None if entry.metrics is None else {k: _plain(v) for k, v in entry.metrics.items()},
    }
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"


def file_name(at: datetime) -> str:
    """The file of a UTC day."""
    return f"decisions-{at.astimezone(UTC):%Y-%m-%d}.jsonl"


class Journal:
    """Writes entries from a background thread; `write` only queues, so a slow or full disk costs the caller nothing.

    A queue that is full drops the newest entry and counts it. `close` waits no longer than its limit.
    """

    def __init__(
        self, folder: Path, *, now: Callable[[], datetime], level: str = "INFO", capacity: int = 10_000
    ) -> None:
        self._folder = folder
        self._now = now
        self._level = LEVELS[level]
        self._queue: queue.Queue[tuple[str, bytes] | None] = queue.Queue(capacity)
        self._n_accepted = self._n_written = self._n_dropped = 0
        self._lock = threading.Lock()
        self._last_error: str | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def write(self, entry: Entry) -> None:
        """Queue an entry; returns at once and raises nothing, whatever happens to the disk."""
        if entry.importance() < self._level or self._level >= LEVELS["OFF"]:
            return
        try:
            at = self._now()
            self._submit((file_name(at), encode(entry, at)))
        except Exception as error:  # noqa: BLE001 - a journal that breaks training is worse than a missing entry
            self._lose(error)

    def close(self, limit_seconds: float = 5.0) -> JournalReport:
        """Write what is queued, for at most limit_seconds, and say what was written and what was not."""
        deadline = time.monotonic() + limit_seconds
        self._closed = True
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=limit_seconds)
            self._thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            undelivered = self._n_accepted - self._n_written - self._n_dropped
            return JournalReport(self._n_written, self._n_dropped, undelivered, self._last_error)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self, item: tuple[str, bytes]) -> None:
        with self._lock:
            self._n_accepted += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._drain, name="decision-journal", daemon=True)
                self._thread.start()
        if self._closed:
            raise RuntimeError("the journal is closed")
        self._queue.put_nowait(item)

    def _drain(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                append(self._folder / item[0], item[1])
            except Exception as error:  # noqa: BLE001 - counted and reported by close()
                self._lose(error)
            else:
                with self._lock:
                    self._n_written += 1

    def _lose(self, error: Exception) -> None:
        with self._lock:
            self._n_dropped += 1
            self._last_error = f"{type(error).__name__}: {error}"


def append(path: Path, line: bytes) -> None:
    """Append one line in one write. A disk that takes only a part gets that part taken back, so no line is torn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        n_taken = os.write(handle, line)
        if n_taken != len(line):
            os.ftruncate(handle, size)
            raise OSError(f"only {n_taken} of {len(line)} bytes fitted into {path.name}; free some disk space")
    finally:
        os.close(handle)


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
