"""Private files of a vault: written whole or not at all, readable by their owner only, one process at a time."""

from __future__ import annotations

import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privacy.errors import ReadableVaultError


def refuse_readable(folder: Path) -> None:
    """Raises ReadableVaultError when others may open the folder or a file in it."""
    for path, wanted in [(folder, 0o700), *((path, 0o600) for path in sorted(folder.iterdir()))]:
        try:
            found = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue  # a draft or SQLite's log of another process, gone meanwhile
        if found & 0o077:
            raise ReadableVaultError(
                f"{path} has mode {found:04o}, so that others can open it; "
                f"run: chmod {wanted:o} {shlex.quote(str(path))}"
            )


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place whole and on disk, with mode 0600."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk: a file that was made, renamed or removed stays so after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder for one process at a time; others wait."""
    with _lock_file(folder / "lock") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether this process got the claim that a lock file stands for; nobody waits."""
    with _lock_file(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def _lock_file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
