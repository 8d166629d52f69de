"""Servers of tests in memory: a test's database is a thousand files that live for a second, and ext4 looks through all
those deleted in the last minutes for every file it makes. That took a quarter of the suite's time.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from warehouse.embedded import EmbeddedServer

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder inside it is made by mkdtemp
ROOM = 8 << 30  # bytes that all servers of a whole suite stay below, several times over


def keep_in_memory(server: EmbeddedServer) -> None:
    """Have the files of a server that was never started in memory; on disk where there is no room."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        return
    folder = Path(tempfile.mkdtemp(prefix="lethe-test-", dir=MEMORY))
    server.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o711 if server.user else 0o700)
    server.folder.symlink_to(folder)


def destroy(server: EmbeddedServer) -> None:
    """Stop a server and remove its files, wherever they are."""
    files = server.folder.resolve()
    server.destroy()
    if server.folder.is_symlink():
        server.folder.unlink()
        shutil.rmtree(files, ignore_errors=True)
