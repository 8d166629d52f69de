"""The web interfaces and the daemon of one home: started, watched and stopped. What they show is theirs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration import dbt, instance
from orchestration.platform import PROJECT, Platform
from warehouse.embedded import EmbeddedServer
from warehouse.errors import WarehouseError
from warehouse.settings import Settings

DEFAULT_PORTS = {"code": 4266, "webserver": 3000, "mlflow": 5000}
START_SECONDS = 90
STOP_SECONDS = 20


class ServiceFailedError(WarehouseError):
    """A service ended by itself or did not begin to answer; the message says where its log is."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process: its name, command, and the port that shows it is there (none for the daemon)."""

    name: str
    command: list[str]
    port: int | None = None


def command_of(platform: Platform, service: str, *, host: str, port: int | None) -> list[str]:
    """The command line of a service. They serve this host only unless told otherwise: Dagster has no login."""
    program = Path(sys.executable)
    number = str(port or DEFAULT_PORTS.get(service, 0))
    if service == "mlflow":
        return [
            str(program.with_name("mlflow")), "server", "--host", host, "--port", number, "--workers", "1",
            "--backend-store-uri", platform.database.url("mlflow", "psycopg2"),
            "--default-artifact-root", (platform.home / "mlflow" / "artifacts").as_uri(),
        ]  # fmt: skip
    workspace = ["-w", str(PROJECT / "workspace.yaml")]
    if service == "code":
        return [
            str(program.with_name("dagster")), "code-server", "start", "-h", host, "-p", number,
            "-m", "orchestration.definitions",
        ]  # fmt: skip
    if service == "webserver":
        return [str(program.with_name("dagster-webserver")), "-h", host, "-p", number, *workspace]
    return [str(program.with_name("dagster-daemon")), "run", *workspace]


def environment(platform: Platform) -> dict[str, str]:
    """What every service finds in its environment: the instance, the dbt login, telemetry off."""
    return platform.settings.environment(
        DAGSTER_HOME=str(instance.prepare(platform)),
        DAGSTER_EVENT_BATCH_SIZE=instance.EVENTS_PER_STATEMENT,
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
        **dbt.login(platform.database),
    )


def serve(settings: Settings, service: str, *, host: str, port: int | None) -> int:
    """Become one service: this process is replaced by it."""
    platform = Platform.open(settings)
    command = command_of(platform, service, host=host, port=port)
    os.execvpe(command[0], command, environment(platform))  # noqa: S606 - this process becomes the service


def up(settings: Settings, *, dagster_port: int, mlflow_port: int, say: Callable[[str], None]) -> int:
    """Run Dagster (webserver and daemon) and MLflow until interrupted; prints where they are.

    Raises ServiceFailedError when one of them does not come up or ends.
    """
    platform = Platform.open(settings)
    dagster, mlflow = free_port(dagster_port), free_port(mlflow_port)
    services = [
        Service("webserver", command_of(platform, "webserver", host="127.0.0.1", port=dagster), dagster),
        Service("daemon", command_of(platform, "daemon", host="127.0.0.1", port=None)),
        Service("mlflow", command_of(platform, "mlflow", host="127.0.0.1", port=mlflow), mlflow),
    ]
    dbt.manifest_path(settings)
    running = {service.name: _start(platform, service) for service in services}
    try:
        for service in services:
            _await(platform, service, running[service.name])
        say(f"Dagster   http://127.0.0.1:{dagster}\nMLflow    http://127.0.0.1:{mlflow}")
        say(f"database  `lethe url --home {settings.home}`\nStop with Ctrl-C or `lethe down`.")
        _record(settings, {"pid": os.getpid(), "dagster": dagster, "mlflow": mlflow})
        _watch(platform, running)
    except KeyboardInterrupt:
        say("stopping")
    finally:
        _stop(list(running.values()))
        _services_file(settings).unlink(missing_ok=True)
    return 0


def down(settings: Settings) -> list[str]:
    """Stop what `lethe up` started in this home, then the embedded server; says what was stopped."""
    stopped = []
    path = _services_file(settings)
    if path.exists():
        pid = int(json.loads(path.read_text())["pid"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + STOP_SECONDS
            while path.exists() and time.monotonic() < deadline:
                time.sleep(0.2)
        path.unlink(missing_ok=True)
        stopped.append("web interfaces stopped")
    if settings.database_url is None and settings.home.exists() and EmbeddedServer.of(settings.home).stop():
        stopped.append("PostgreSQL stopped")
    return stopped or ["nothing was running"]


def status(settings: Settings) -> dict[str, Any]:
    """What the home holds and what runs; never starts anything."""
    port = None
    if settings.database_url is None and settings.home.exists():
        port = EmbeddedServer.of(settings.home).port()
    path = _services_file(settings)
    state: dict[str, Any] = {
        "home": str(settings.home),
        "database": "server by URL" if settings.database_url else f"127.0.0.1:{port}" if port else "stopped",
        "services": json.loads(path.read_text()) if path.exists() else "stopped",
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


def free_port(wanted: int) -> int:
    """The wanted port when nobody listens there, else any free one."""
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceFailedError("no free port on 127.0.0.1")


def _start(platform: Platform, service: Service) -> subprocess.Popen[bytes]:
    log = _log(platform, service)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(
            service.command, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=environment(platform),
            cwd=platform.home, start_new_session=True,
        )  # fmt: skip


def _await(platform: Platform, service: Service, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while service.port is not None and not _answers(service.port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailedError(f"{service.name} did not start; its log is {_log(platform, service)}")
        time.sleep(0.3)


def _watch(platform: Platform, running: dict[str, subprocess.Popen[bytes]]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                raise ServiceFailedError(f"{name} ended by itself; its log is {platform.home}/services/{name}.log")
        time.sleep(1)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _log(platform: Platform, service: Service) -> Path:
    return platform.home / "services" / f"{service.name}.log"


def _services_file(settings: Settings) -> Path:
    return settings.home / "services.json"


def _record(settings: Settings, state: dict[str, int]) -> None:
    _services_file(settings).write_text(json.dumps(state))
