"""Commands as forks of a process that has imported their libraries already: an import costs more than most commands.

A fork is a process of its own, with its own session, environment, folder and output; kill -9 hits it like any other.
Not for what imports themselves do, nor for services: those are started from nothing.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from warehouse.settings import Settings

MODULES = (
    "orchestration.commands", "orchestration.definitions", "dagster_postgres", "dagster_dbt", "dbt.cli.main",
    "dbt.adapters.postgres", "great_expectations", "mlflow", "sklearn.ensemble", "sklearn.linear_model", "skops.io",
    "matplotlib.figure", "duckdb", "pyarrow.parquet", "pandas",
)  # fmt: skip

SERVER = """
import socket
from tests import forks
forks.serve(socket.socket(fileno={}))
forks.finish()
"""


def serve(channel: socket.socket) -> None:
    """In the server: fork for every request until the other side hangs up. Returns in the child only."""
    import gc
    import importlib

    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()  # what a child does not touch it need not copy
    children: dict[int, int] = {}  # file descriptor of a process -> its id
    while True:
        ready, _, _ = select.select([channel, *children], [], [])
        for descriptor in (item for item in ready if isinstance(item, int)):
            pid = children.pop(descriptor)
            _, status = os.waitpid(pid, 0)
            os.close(descriptor)
            channel.sendall(json.dumps([pid, os.waitstatus_to_exitcode(status)]).encode() + b"\n")
        if channel in ready:
            message, descriptors, _, _ = socket.recv_fds(channel, 1 << 20, 2)
            if not message:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                _become(json.loads(message), descriptors)
                channel.close()
                return
            children[os.pidfd_open(pid)] = pid
            for descriptor in descriptors:
                os.close(descriptor)
            channel.sendall(json.dumps([pid, None]).encode() + b"\n")


def _become(request: Mapping[str, object], descriptors: Sequence[int]) -> None:
    """Take on the arguments, environment, folder and output of the command, in a session of its own."""
    import tempfile

    os.setsid()
    os.environ.clear()
    os.environ.update(dict(request["environment"]))  # type: ignore[call-overload]
    os.chdir(str(request["folder"]))
    tempfile.tempdir = None
    sys.argv = list(request["command"])  # type: ignore[call-overload]
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)


def finish() -> None:
    """In the child: run the command, and end without taking apart what the server had imported."""
    import atexit

    from orchestration.cli import main

    try:
        code = main()
    except SystemExit as stop:  # argparse: wrong usage, or --help
        code = stop.code if isinstance(stop.code, int) else 0
    except Exception:  # noqa: BLE001 - what nobody foresaw is a stack trace, as in the command itself
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@dataclass(slots=True)
class Fork:
    """A running command: what subprocess.Popen offers of one, as far as tests need it."""

    pid: int
    server: ForkServer

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self.server.ended.get(self.pid)

    def wait(self, timeout: float) -> int:
        """The exit code; raises TimeoutExpired and kills the command when it takes longer."""
        with self.server.changed:
            if not self.server.changed.wait_for(lambda: self.pid in self.server.ended, timeout):
                os.killpg(self.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired("lethe", timeout)
        return self.server.ended[self.pid]


@dataclass(slots=True)
class ForkServer:
    """The process that has imported everything, and the exit codes of its children."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    ended: dict[int, int] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def listen(self) -> None:
        """Take in what the server says of its children; runs in a thread until the server ends."""
        with self.channel.makefile("r") as lines:
            for line in lines:
                pid, code = json.loads(line)
                with self.changed:
                    if code is None:
                        self.begun.append(pid)
                    else:
                        self.ended[pid] = code
                    self.changed.notify_all()

    def start(self, command: Sequence[str], environment: Mapping[str, str], out: int, err: int) -> Fork:
        """Begin a command that writes to two file descriptors."""
        request = {"command": [*command], "environment": dict(environment), "folder": os.getcwd()}
        with self.changed:
            socket.send_fds(self.channel, [json.dumps(request).encode()], [out, err])
            assert self.changed.wait_for(lambda: self.begun, 120), "the fork server does not answer"
            return Fork(self.begun.pop(), self)


@cache
def fork_server() -> ForkServer:
    """The one server of this process; it ends with it."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER.format(theirs.fileno())], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
        env=Settings.load().environment(),
    )  # fmt: skip
    theirs.close()
    server = ForkServer(process, ours)
    threading.Thread(target=server.listen, daemon=True).start()
    return server
