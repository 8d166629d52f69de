"""Files of a home that age: what each is, by what its day is known, and which go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from privacy.retention.holds import holds_file

if TYPE_CHECKING:
    from privacy.retention.terms import Terms

FILES = "files"
MODELS = "model artefacts"  # not by their age but by their training set's: who knows MLflow deletes them (ml/expiry.py)
DAY = re.compile(r"(\d{4}-\d\d-\d\d)")


@dataclass(frozen=True, slots=True)
class FileStore:
    """Files below a home by a glob pattern."""

    name: str
    pattern: str
    policy: str
    method = FILES

    def files(self, home: Path) -> Iterator[tuple[Path, date]]:
        """The store's files with their UTC days: of the name where it says one, else of the last change."""
        for path in sorted(home.glob(self.pattern)):
            if path.is_file() and not path.is_symlink():
                yield path, _named_day(path) or _changed_on(path)


FILE_STORES = (
    FileStore("decision journal", "logs/decisions-*.jsonl", "audit_logs"),
    FileStore("left-over simulations", "simulated-*/*", "transient"),
    FileStore("export packages", "exports/**/*", "short_term"),  # their links end earlier: this is what was left behind
    FileStore("output of runs", "dagster/compute_logs/**/*", "error_logs"),
    FileStore("run artefacts", "dagster/storage/**/*", "error_logs"),
    FileStore("output of services", "services/*", "error_logs"),
    FileStore("pages on drift", "reports/**/*", "audit_logs"),  # as long as the figures that they show
)


@dataclass(frozen=True, slots=True)
class ExpiredFiles:
    """The files of one store that go, and how many a hold keeps."""

    store: FileStore
    cutoff_on: date | None
    gone: tuple[Path, ...]
    n_held: int


def expired_files(home: Path, terms: Terms) -> list[ExpiredFiles]:
    """Per file store what is past its term."""
    return [_expired(home, store, terms) for store in FILE_STORES]


def delete_files(files: ExpiredFiles) -> int:
    """Delete them; returns how many went. One that is gone already is no fault."""
    n_deleted = 0
    for path in files.gone:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        n_deleted += 1
    return n_deleted


def _expired(home: Path, store: FileStore, terms: Terms) -> ExpiredFiles:
    cutoff_on = terms.cutoff(store.policy)
    old = [(path, day) for path, day in store.files(home) if cutoff_on is not None and day < cutoff_on]
    gone = tuple(path for path, day in old if not holds_file(terms.holds, store.name, day))
    return ExpiredFiles(store, cutoff_on, gone, len(old) - len(gone))


def _named_day(path: Path) -> date | None:
    found = DAY.search(path.name)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:  # digits that are no day
        return None


def _changed_on(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
