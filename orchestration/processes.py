"""Processes that a home starts: they die with their starter, are recorded, and only they are ever stopped.

A process is known by its session and home, or by its id and start, never by its id alone: ids are used again.
What they run is services.py's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def start(command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output appended to the log.

    On Linux it is told to end when this process does, however this one ends.
    """
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_parent() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it ended before the line above
                os._exit(1)

    with log.open("ab") as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=dict(environment), cwd=folder,
            start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here; it makes two system calls
        )  # fmt: skip


def stop(sessions: Sequence[int], home: Path, *, patience: float = STOP_SECONDS) -> int:
    """End every process of these sessions that belongs to the home; returns how many there were.

    They are asked first; what has not ended after `patience` seconds is killed.
    """
    found = members(sessions, home)
    _signal(found, signal.SIGTERM)
    if not _wait(sessions, home, patience):
        _signal(members(sessions, home), signal.SIGKILL)
        _wait(sessions, home, STOP_SECONDS)
    return len(found)


def members(sessions: Sequence[int], home: Path) -> list[int]:
    """Ids of the living processes of these sessions whose environment names the home."""
    return [pid for pid in _processes() if session_of(pid) in sessions and _is_of(pid, home)]


def started(pid: int) -> int | None:
    """When a living process began, in clock ticks since boot; None when there is none."""
    fields = _stat(pid)
    return None if not fields or fields[0] in "ZX" else int(fields[19])


def is_same(pid: int, began: int | None) -> bool:
    """Whether the process that began then under this id still lives."""
    return began is not None and started(pid) == began


def session_of(pid: int) -> int | None:
    """The session of a living process; None when there is none or it only waits to be reaped."""
    fields = _stat(pid)
    return None if not fields or fields[0] in "ZX" else int(fields[3])


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _is_of(pid: int, home: Path) -> bool:
    with contextlib.suppress(OSError):
        return f"LETHE_HOME={home}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def _stat(pid: int) -> list[str]:
    """The fields after the name in /proc/PID/stat: state, parent, group, session, ... (proc(5))."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait(sessions: Sequence[int], home: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while members(sessions, home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
