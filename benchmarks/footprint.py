"""What processes took of a machine: processor seconds and memory, from /proc; nothing is known where there is none."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
EVERY_SECONDS = 2.0


def processor_seconds(process: int) -> float:
    """Seconds of a process and of its children that have ended; 0 where they cannot be read."""
    try:
        fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def children(processes: Iterable[int]) -> set[int]:
    """These processes and all below them."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir() if PROC.exists() else ():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, new = set[int](), set(processes)
    while new:
        found |= new
        new = {child for parent in new for child in parents.get(parent, ())} - found
    return found


def memory_bytes(processes: Iterable[int]) -> int:
    """Their share of memory: pages that several hold count once in all (PSS), else all that is resident (RSS)."""
    return sum(_memory_of(process) for process in processes)


def _memory_of(process: int) -> int:
    for name, word in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = (PROC / str(process) / name).read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(word):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def peak_memory(*processes: int) -> Iterator[list[int]]:
    """A list whose one number becomes the most bytes that these processes and all below them held at a time."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.is_set():
            peak[0] = max(peak[0], memory_bytes(children(processes)))
            over.wait(EVERY_SECONDS)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def load() -> str:
    """How busy the machine was in the last minute, for a reader of a figure by the clock."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at {time.strftime('%H:%M', time.gmtime())} UTC"
