"""docker-compose.yml without Docker: its services' very commands run here, against a PostgreSQL of their own.

Only addresses differ from what an engine would do: a service's name becomes 127.0.0.1, a container's port a free one,
a volume's path a folder. Everything else is taken from the file as it is.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.supervisor import free_port
from tests.integration import running
from tests.memory import destroy, keep_in_memory
from warehouse.database import ADMIN, Database
from warehouse.embedded import CONFIGURATION, EmbeddedServer
from warehouse.settings import TELEMETRY_OFF

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

ROOT = Path(__file__).parents[2]
OURS = ("migrate", "code", "webserver", "daemon", "mlflow")
HOME = "/var/lib/lethe"
PORTS = {"code": 4266, "webserver": 3000, "mlflow": 5000, "postgres": 5432}
READY_SECONDS = 180


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


@dataclass(frozen=True, slots=True)
class Engine:
    """What stands for Docker: the folder of the home volume, the local ports, and the database's address."""

    home: Path
    ports: dict[str, int]
    database: str

    def here(self, text: str) -> str:
        """A value of the file with the names and paths of this machine."""
        if text.startswith("postgresql://"):
            return self.database
        for service, port in PORTS.items():
            text = re.sub(rf"\b{service}:{port}\b", f"127.0.0.1:{self.ports[service]}", text)
            text = re.sub(rf"(127\.0\.0\.1:|^){port}\b", rf"\g<1>{self.ports[service]}", text)
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
        return text.replace("0.0.0.0", "127.0.0.1").replace(HOME, str(self.home))  # noqa: S104 - it is taken away

    def environment(self, service: dict[str, Any]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        kept["PATH"] = f"{Path(sys.executable).parent}:{kept.get('PATH', '')}"
        return kept | {name: self.here(str(value)) for name, value in service["environment"].items()}

    def start(self, service: dict[str, Any], log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as file:
            return subprocess.Popen(
                ["lethe", *map(self.here, service["command"])], stdout=file, stderr=file, cwd=self.home,
                env=self.environment(service), start_new_session=True,
            )  # fmt: skip

    def is_healthy(self, service: dict[str, Any]) -> bool:
        """The health check of the file, as it is written there."""
        kind, *command = service["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(
            [*map(self.here, command)], env=self.environment(service), capture_output=True, timeout=60, check=False
        )
        return done.returncode == 0


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A second PostgreSQL 18 on a port of its own, reached by URL as the file's server is."""
    folder = Path(tempfile.mkdtemp(prefix="lethe-compose-"))
    server = EmbeddedServer.of((folder / "server").resolve())
    keep_in_memory(server)
    try:
        port = server.start()
        home = folder / "home"
        home.mkdir()
        ports = {name: free_port(0) for name in PORTS} | {"postgres": port}
        yield Engine(home.resolve(), ports, f"postgresql://lethe:{server.password()}@127.0.0.1:{port}/postgres")
    finally:
        destroy(server)
        shutil.rmtree(folder, ignore_errors=True)


def test_every_service_runs_and_answers(compose: dict[str, Any], engine: Engine) -> None:
    services = compose["services"]
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in in_order(services):
            started[name] = engine.start(services[name], engine.home / f"{name}.log")
            if name == "migrate":
                assert started[name].wait(READY_SECONDS) == 0, log_of(engine, name)
            else:
                await_health(engine, name, services[name], started[name])
        dagster = f"http://127.0.0.1:{engine.ports['webserver']}"
        assert "raw/imports" in running.upstream(dagster, "ml/churn_champion")
        assert location_of(dagster) == [{"name": "lethe", "kind": "WorkspaceLocationEntry"}]
        running.wait_for("a heartbeat of every daemon", lambda: running.daemons_are_healthy(dagster))
        assert running.fetch(f"http://127.0.0.1:{engine.ports['mlflow']}/health") == "OK"
    finally:
        for process in started.values():
            end(process)


def test_a_service_without_its_server_is_not_healthy(compose: dict[str, Any], engine: Engine) -> None:
    """The health checks can fail: nothing runs, so none of them holds."""
    for name in ("code", "webserver", "mlflow"):
        assert not engine.is_healthy(compose["services"][name]), name


def test_published_ports_are_this_hosts_only_and_where_the_services_listen(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for published in service.get("ports", []):
            host, _outside, inside = published.split(":")
            assert host == "127.0.0.1", f"{name} publishes {published} beyond this host"
            assert int(inside) == PORTS[name]
        if name in PORTS and name != "postgres":
            assert service["command"][service["command"].index("--port") + 1] == str(PORTS[name])
    assert "ports" not in compose["services"]["code"], "the code server runs any code it is sent"


def test_variables_are_read_by_the_project_and_no_password_is_a_default(compose: dict[str, Any]) -> None:
    known = variables_read() | set(TELEMETRY_OFF)
    for name in OURS:
        environment = compose["services"][name]["environment"]
        assert {key for key in environment if key.startswith("LETHE_")} <= known, name
        assert environment["LETHE_HOME"] == HOME
        assert environment.get("DAGSTER_HOME", f"{HOME}/dagster") == f"{HOME}/dagster"
    text = (ROOT / "docker-compose.yml").read_text()
    passwords = re.findall(r"\$\{LETHE_POSTGRES_PASSWORD([^}]*)\}", text)
    assert len(passwords) == 2
    assert all(rest.startswith(":?") for rest in passwords), "without a password it must not start"


def test_the_server_of_the_file_keeps_values_out_of_its_log(compose: dict[str, Any], database: Database) -> None:
    """Its engine is not at hand: the settings it is started with are given to a server of ours, which has them, too."""
    program, *flags = compose["services"]["postgres"]["command"]
    assert program == "postgres"
    assert flags[::2] == ["-c"] * (len(flags) // 2)
    settings = dict(flag.split("=", 1) for flag in flags[1::2])
    with database.connect(ADMIN) as conn:
        for name, value in settings.items():
            conn.execute(f"set {name} = {value}".encode())  # refused where there is no such setting or value
    assert settings.items() <= CONFIGURATION.items()
    assert "--auth=scram-sha-256" in compose["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_volumes_hold_all_state(compose: dict[str, Any]) -> None:
    for name in OURS:
        assert compose["services"][name]["volumes"] == [f"home:{HOME}"], name
    assert set(compose["volumes"]) == {"home", "postgres"}
    # From version 18 on the image keeps its data in a folder named by version below this one.
    assert compose["services"]["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert compose["services"]["postgres"]["image"] == "pgvector/pgvector:pg18"
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"LETHE_HOME={HOME}" in dockerfile
    assert f"--mode 0700 {HOME}" in dockerfile


def test_the_image_gets_what_the_project_needs_and_nothing_else() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages | {"dbt_project", "workspace.yaml", "pyproject.toml", "constraints.txt"} <= let_in
    assert not {name for name in let_in if not (ROOT / name).exists()} - {"README.md"}


def in_order(services: dict[str, Any]) -> list[str]:
    """Our services, each after those it depends on."""
    ordered: list[str] = ["postgres"]
    while len(ordered) < len(services):
        ready = [name for name, s in services.items() if name not in ordered and set(s["depends_on"]) <= set(ordered)]
        assert ready, "the services wait for each other"
        ordered += ready
    return ordered[1:]


def await_health(engine: Engine, name: str, service: dict[str, Any], process: subprocess.Popen[bytes]) -> None:
    def healthy() -> bool:
        assert process.poll() is None, f"{name} ended: {log_of(engine, name)}"
        return engine.is_healthy(service)

    running.wait_for(f"health of {name}", healthy, READY_SECONDS)


def location_of(dagster: str) -> list[dict[str, str]]:
    query = "{ workspaceOrError { ... on Workspace { locationEntries { name kind: __typename } } } }"
    found: list[dict[str, str]] = running.graphql(dagster, query)["workspaceOrError"]["locationEntries"]
    return found


def log_of(engine: Engine, name: str) -> str:
    return (engine.home / f"{name}.log").read_text()[-2000:]


def variables_read() -> set[str]:
    """The LETHE_ names that the settings and dbt's profile read."""
    sources = [ROOT / "warehouse" / "settings.py", ROOT / "orchestration" / "dbt.py"]
    nodes = [node for path in sources for node in ast.walk(ast.parse(path.read_text()))]
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return {str(value) for value in constants if re.fullmatch(r"LETHE_[A-Z_]+", str(value))}


def end(process: subprocess.Popen[bytes]) -> None:
    """End a service with everything it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
