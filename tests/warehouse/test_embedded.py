"""The embedded server as an ordinary user runs it; every other test runs it as whoever runs the tests."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from warehouse.embedded import EmbeddedServer, reachable_binaries

NOBODY = 65534


def start_and_ask(home: Path, binaries: Path) -> None:
    """In a process of its own, as an ordinary user: start, ask, stop, start again where it was."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    assert EmbeddedServer.of(home).folder == home / "postgres", "an ordinary user keeps all of it in the home"
    server = EmbeddedServer(home, home / "postgres", binaries, None)
    port = server.start()
    with psycopg.connect(
        host="127.0.0.1", port=port, user="lethe", password=server.password(), dbname="postgres"
    ) as conn:
        assert conn.execute("select current_user").fetchone() == ("lethe",)
        assert conn.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        assert conn.execute("show unix_socket_directories").fetchone() == ("",), "who is on this machine has to log in"
    assert (server.data / "PG_VERSION").stat().st_uid == os.geteuid()
    assert server.stop()
    assert server.start() == port
    server.destroy()


@pytest.mark.integration
@pytest.mark.embedded
def test_an_ordinary_user_has_a_server() -> None:
    bundled = EmbeddedServer.of(Path("/")).binaries
    folder = Path(tempfile.mkdtemp(prefix="lethe-ordinary-"))
    try:
        if os.geteuid() == 0:
            bundled = reachable_binaries(bundled, "nobody")
            os.chown(folder, NOBODY, NOBODY)
        process = multiprocessing.get_context("fork").Process(target=start_and_ask, args=(folder / "home", bundled))
        process.start()
        process.join(60)
        assert process.exitcode == 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)
