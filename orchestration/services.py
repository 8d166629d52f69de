"""What the services of a home are: their commands, environment and addresses. supervisor.py runs them together."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from orchestration import dbt, instance
from orchestration.platform import PROJECT, Platform
from warehouse.errors import InvalidAddressError
from warehouse.secrets import write_private
from warehouse.settings import Settings

DEFAULT_PORTS = {"code": 4266, "webserver": 3000, "mlflow": 5000}
HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Service:
    """One process: its name, command, and the address that shows it is there (none for the daemon)."""

    name: str
    command: list[str]
    health: str | None = None


def command_of(platform: Platform, service: str, *, host: str, port: int | None, code: str | None = None) -> list[str]:
    """The command line of a service. They serve this host only unless told otherwise: Dagster has no login.

    `code` is the HOST:PORT of a code server; without one, webserver and daemon load the project themselves.
    """
    number = str(port or DEFAULT_PORTS.get(service, 0))
    listen = ["-h", host, "-p", number]
    if service == "mlflow":
        return [_program("mlflow"), "server", "--host", host, "--port", number, "--workers", "1"]
    if service == "code":
        return [_program("dagster"), "code-server", "start", *listen, "-m", "orchestration.definitions"]
    workspace = ["-w", str(workspace_of(platform, code))]
    if service == "webserver":
        return [_program("dagster-webserver"), *listen, *workspace]
    return [_program("dagster-daemon"), "run", *workspace]


def workspace_of(platform: Platform, code: str | None) -> Path:
    """The project's workspace file, or one that names a code server. Raises InvalidAddressError."""
    if code is None:
        return PROJECT / "workspace.yaml"
    host, _, port = code.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidAddressError(f"{code} is no address of a code server; write HOST:PORT, like code:4266")
    path = platform.home / "dagster" / "workspace.yaml"
    server = {"host": host, "port": int(port), "location_name": "lethe"}
    write_private(path, json.dumps({"load_from": [{"grpc_server": server}]}))
    return path


def local_services(platform: Platform, ports: dict[str, int]) -> list[Service]:
    """What `lethe up` runs, on this host only, in the order in which they need each other.

    Webserver and daemon share one code server: on its own, the daemon would load the project anew every minute.
    """
    dagster, mlflow, code = ports["dagster"], ports["mlflow"], f"{HERE}:{ports['code']}"
    server = command_of(platform, "code", host=HERE, port=ports["code"])
    webserver = command_of(platform, "webserver", host=HERE, port=dagster, code=code)
    return [
        Service("code", server, f"tcp://{code}"),
        Service("mlflow", command_of(platform, "mlflow", host=HERE, port=mlflow), f"http://{HERE}:{mlflow}/health"),
        Service("webserver", webserver, f"http://{HERE}:{dagster}/server_info"),
        Service("daemon", command_of(platform, "daemon", host=HERE, port=None, code=code)),
    ]


def environment(platform: Platform) -> dict[str, str]:
    """What every service finds in its environment: the instance, the logins, telemetry off.

    The database's address is here and not on a command line, which everybody on the machine can read.
    """
    return platform.settings.environment(
        DAGSTER_HOME=str(instance.prepare(platform)),
        DAGSTER_EVENT_BATCH_SIZE=instance.EVENTS_PER_STATEMENT,
        MLFLOW_BACKEND_STORE_URI=platform.database.url("mlflow", "psycopg2"),
        MLFLOW_DEFAULT_ARTIFACT_ROOT=(platform.home / "mlflow" / "artifacts").as_uri(),
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        **dbt.login(platform.database),
    )


def serve(settings: Settings, service: str, *, host: str, port: int | None, code: str | None = None) -> int:
    """Become one service: this process is replaced by it."""
    platform = Platform.open(settings)
    command = command_of(platform, service, host=host, port=port, code=code)
    os.execvpe(command[0], command, environment(platform))  # noqa: S606 - this process becomes the service


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
