"""`lethe up`, `down` and `status`: the services of one home run together, are watched and stopped, all or none."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestration import dbt, processes, services
from orchestration.platform import Platform
from orchestration.services import HERE, Service
from warehouse.embedded import EmbeddedServer
from warehouse.errors import WarehouseError
from warehouse.secrets import write_private
from warehouse.settings import Settings

START_SECONDS = 180


class ServiceFailedError(WarehouseError):
    """A service ended by itself or did not begin to answer; the message says where its log is."""


class AlreadyUpError(WarehouseError):
    """This home's web interfaces run already; the message says where."""


def up(settings: Settings, *, dagster_port: int, mlflow_port: int, say: Callable[[str], None]) -> int:
    """Run Dagster (code server, webserver and daemon) and MLflow until interrupted; prints where they are.

    Raises AlreadyUpError, and ServiceFailedError when one of them does not come up or ends.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)
    with _only_one(settings):
        processes.stop(_recorded_sessions(settings), settings.home)  # of an `up` that was killed
        platform = Platform.open(settings)
        dbt.use_login(platform.database)
        dbt.manifest_path(settings)
        ports = {"dagster": free_port(dagster_port), "mlflow": free_port(mlflow_port), "code": free_port(0)}
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            _start_all(platform, ports, running)
            say(f"Dagster   http://{HERE}:{ports['dagster']}\nMLflow    http://{HERE}:{ports['mlflow']}")
            say(f"database  `lethe url --home {settings.home}`\nStop with Ctrl-C or `lethe down`.")
            _watch(platform, running)
        except KeyboardInterrupt:
            say("stopping")
        finally:
            _stop(running, settings)
    return 0


def down(settings: Settings) -> list[str]:
    """Stop what `lethe up` started in this home, then the embedded server; says what was stopped."""
    stopped = []
    if _stop_starter(settings):
        stopped.append("web interfaces stopped")
    if n_left := processes.stop(_recorded_sessions(settings), settings.home):
        stopped.append(f"{n_left} processes stopped that an earlier `lethe up` left")
    _services_file(settings).unlink(missing_ok=True)
    if settings.database_url is None and settings.home.exists() and EmbeddedServer.of(settings.home).stop():
        stopped.append("PostgreSQL stopped")
    return stopped or ["nothing was running"]


def status(settings: Settings) -> dict[str, Any]:
    """What the home holds and what runs; never starts anything."""
    port = None
    if settings.database_url is None and settings.home.exists():
        port = EmbeddedServer.of(settings.home).port()
    state: dict[str, Any] = {
        "home": str(settings.home),
        "database": "server by URL" if settings.database_url else f"{HERE}:{port}" if port else "stopped",
        "services": addresses(settings) or "stopped",
    }
    if port or settings.database_url:
        from orchestration import facts

        platform = Platform.open(settings)
        model = facts.champion(platform)
        state |= {
            "events": facts.stored_total(platform),
            "safe": facts.safe_rows(platform),
            "features": facts.feature_rows(platform),
            "changed days": len(facts.pending_days(platform)),
            "champion": model,
        }
    return state


def addresses(settings: Settings) -> dict[str, str]:
    """Where the web interfaces of this home are; empty when they do not run."""
    record = _read_record(settings)
    if not processes.is_same(record.get("pid", 0), record.get("started")):
        return {}
    return {name: f"http://{HERE}:{port}" for name, port in record["ports"].items() if name != "code"}


def free_port(wanted: int) -> int:
    """The wanted port when nobody listens there, else any free one."""
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HERE, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceFailedError(f"no free port on {HERE}")


def _start_all(platform: Platform, ports: dict[str, int], running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Start the services; those of Dagster find its code server answering. Each is recorded as soon as it runs."""
    planned = services.local_services(platform, ports)
    for service in planned:
        log = _log(platform, service.name)
        set_aside(log)
        environment = services.environment(platform)
        running[service.name] = processes.start(service.command, environment, log, platform.home)
        _record(platform.settings, ports, running)
        if service.name == "code":
            _await(platform, service, running[service.name])
    for service in planned:
        _await(platform, service, running[service.name])


def _await(platform: Platform, service: Service, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while service.health is not None and not _answers(service.health):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailedError(f"{service.name} did not start; its log is {_log(platform, service.name)}")
        time.sleep(0.3)


def _watch(platform: Platform, running: dict[str, subprocess.Popen[bytes]]) -> None:
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                raise ServiceFailedError(f"{name} ended by itself; its log is {_log(platform, name)}")
        time.sleep(1)


def _stop(running: dict[str, subprocess.Popen[bytes]], settings: Settings) -> None:
    processes.stop([process.pid for process in running.values()], settings.home)
    for process in running.values():
        process.wait()
    _services_file(settings).unlink(missing_ok=True)


def _stop_starter(settings: Settings) -> bool:
    """Ask the running `lethe up` of this home to stop and wait until it has; False when none runs."""
    record = _read_record(settings)
    pid, started = record.get("pid", 0), record.get("started")
    if not processes.is_same(pid, started):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 3 * processes.STOP_SECONDS
    while processes.is_same(pid, started) and time.monotonic() < deadline:
        time.sleep(0.1)
    return True


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """The lock of a home's `lethe up`; it is gone with the process that holds it. Raises AlreadyUpError."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.home / "services.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = ", ".join(addresses(settings).values()) or "starting"
            raise AlreadyUpError(
                f"the web interfaces of {settings.home} run already ({where}); stop them with `lethe down`"
            ) from None
        yield


def _answers(url: str) -> bool:
    address = urlsplit(url)
    try:
        if address.scheme == "tcp":
            socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5).close()
            return True
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - always http on this host
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _log(platform: Platform, service: str) -> Path:
    return platform.home / "services" / f"{service}.log"


def set_aside(log: Path) -> None:
    """Name what a service wrote before after the day of its last line: retention deletes files by their day."""
    if log.exists():
        day = datetime.fromtimestamp(log.stat().st_mtime, UTC).date()
        kept = log.with_name(f"{log.stem}-{day}.log")
        with kept.open("ab") as target, log.open("rb") as source:
            shutil.copyfileobj(source, target)
        log.unlink()


def _services_file(settings: Settings) -> Path:
    return settings.home / "services.json"


def _record(settings: Settings, ports: dict[str, int], running: dict[str, subprocess.Popen[bytes]]) -> None:
    sessions = {name: process.pid for name, process in running.items()}
    state = {"pid": os.getpid(), "started": processes.started(os.getpid()), "ports": ports, "sessions": sessions}
    write_private(_services_file(settings), json.dumps(state))


def _read_record(settings: Settings) -> dict[str, Any]:
    path = _services_file(settings)
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _recorded_sessions(settings: Settings) -> list[int]:
    return list(_read_record(settings).get("sessions", {}).values())
