"""`lethe up`, `down` and `status`: what they show, where they listen, and that nothing outlives them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration import processes, supervisor
from tests.homes import Home, make_home
from tests.integration import running
from tests.integration.conftest import Completed
from tests.integration.running import Running
from warehouse.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.xdist_group("completed")]

LISTENING = "0A"  # state of a socket in /proc/net/tcp, proc(5)
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


@pytest.fixture(scope="module")
def services(completed: Completed) -> Iterator[tuple[Home, Running]]:
    """The services of a completed home: started once, because it takes half a minute."""
    with running.up(completed.home) as up:
        yield completed.home, up
    completed.home.database()  # others look at this home too


def test_services_of_a_completed_home(services: tuple[Home, Running]) -> None:
    """What is shown, where it listens, runs from the browser."""
    home, up = services
    lineage = running.upstream(up.dagster, "ml/churn_champion")
    assert {"raw/imports", "raw/system_logs", "quality/raw_in", "quality/features_out"} <= lineage
    assert champion(up) == {"name": "churn", "alias": "champion"}
    assert status_shows(home, up)
    started = of_home(home)
    assert len(started) >= 4
    assert listening(started), "no socket was found, so none was checked"
    assert foreign(started) == []
    assert not any("postgresql" in command_line(pid) for pid in started), "a database address is on a command line"
    again = home.run("up")
    assert again.code == 1
    assert up.dagster in again.err
    running.wait_for("a heartbeat of every daemon", lambda: running.daemons_are_healthy(up.dagster))
    assert running.outcome(up.dagster, running.launch(up.dagster, "retrain_job")) == "SUCCESS"
    run = running.launch(up.dagster, "pipeline_job", dagster__partition=a_day(home))
    assert running.outcome(up.dagster, run) == "SUCCESS"


def test_killed_up_leaves_nothing_that_disturbs(services: tuple[Home, Running], tmp_path: Path) -> None:
    """A home beside another is killed with kill -9: the other goes on, the killed one comes up again and goes down."""
    _, stays = services
    home = make_home(tmp_path / "home")
    try:
        with running.up(home) as killed:
            assert stays.dagster != killed.dagster
            victims = of_home(home)
            assert len(victims) >= 4
            killed.process.send_signal(signal.SIGKILL)
            killed.process.wait()
            running.wait_for("the end of the orphans", lambda: not of_home(home), 60)
            assert running.graphql(stays.dagster, "{ version }")["version"]
            with running.up(home) as again:
                assert running.graphql(again.dagster, "{ version }")["version"]
                assert running.fetch(f"{again.mlflow}/health") == "OK"
                assert "web interfaces stopped" in home.run("down").out
                assert again.process.wait(30) == 0
            assert of_home(home) == []
            assert running.fetch(f"{stays.mlflow}/health") == "OK"
    finally:
        home.run("down")
        home.remove()


def test_down_stops_what_a_killed_up_left_and_nothing_else(tmp_path: Path) -> None:
    """Orphans that survived are found by session and home; a stranger under a recorded id is left alone."""
    home = Settings(tmp_path.resolve())
    environment = home.environment()
    sleep = ["/bin/sh", "-c", "trap '' TERM; sleep 600 & wait"]
    ours = processes.start(sleep, environment, tmp_path / "ours.log", tmp_path)
    stranger = processes.start(sleep, {**environment, "LETHE_HOME": "/elsewhere"}, tmp_path / "other.log", tmp_path)
    try:
        found = running.wait_for("two processes", lambda: len(processes.members([ours.pid], home.home)) == 2)
        assert found
        assert processes.stop([ours.pid, stranger.pid], home.home, patience=0.5) == 2
        assert ours.wait(10) == -signal.SIGKILL
        assert stranger.poll() is None
    finally:
        os.killpg(stranger.pid, signal.SIGKILL)
        stranger.wait()


def test_what_a_service_wrote_before_is_set_aside_under_its_day(tmp_path: Path) -> None:
    log = tmp_path / "code.log"
    for text, day in (("first\n", 1), ("second\n", 1), ("third\n", 2)):
        log.write_text(text)
        at = datetime(2026, 1, day, 12, tzinfo=UTC).timestamp()
        os.utime(log, (at, at))
        supervisor.set_aside(log)
    supervisor.set_aside(log)  # there is none
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "code-2026-01-01.log": "first\nsecond\n", "code-2026-01-02.log": "third\n",
    }  # fmt: skip


def test_a_recorded_id_that_was_used_again_is_not_the_same_process() -> None:
    began = processes.started(os.getpid())
    assert began is not None
    assert processes.is_same(os.getpid(), began)
    assert not processes.is_same(os.getpid(), began - 1)
    assert not processes.is_same(os.getpid(), None)
    assert not processes.is_same(2**22 + 1, began)


def test_dg_check_defs_loads_the_project(tmp_path: Path) -> None:
    """[tool.dg] in pyproject.toml names the module; telemetry is off, which dg reads from the instance only."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    environment = Settings(tmp_path.resolve()).environment(DAGSTER_HOME=str(tmp_path))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dg")), "check", "defs"], cwd=Path(__file__).parents[2], env=environment,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout + done.stderr
    assert "Telemetry" not in done.stdout + done.stderr


def champion(up: Running) -> dict[str, str]:
    """The registered model and its alias as MLflow's own API lists them."""
    models = running.fetch(f"{up.mlflow}/api/2.0/mlflow/registered-models/search")["registered_models"]
    return {"name": models[0]["name"], "alias": models[0]["aliases"][0]["alias"]}


def status_shows(home: Home, up: Running) -> bool:
    return bool(home.run("status", "--json").summary["services"] == {"dagster": up.dagster, "mlflow": up.mlflow})


def a_day(home: Home) -> str:
    with home.database().connect("collection") as conn:
        row = conn.execute("select max(event_day) from raw.event_days where n_events > 0").fetchone()
    assert row is not None
    return str(row[0])


def of_home(home: Home) -> list[int]:
    """Every process whose environment names the home, but the commands that tests run."""
    wanted = f"LETHE_HOME={home.path.resolve()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if processes.session_of(pid) and "bin/lethe" not in command_line(pid)]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def listening(pids: list[int]) -> list[str]:
    """Local addresses, in hexadecimal, on which these processes listen."""
    inodes = {inode for pid in pids for inode in sockets(pid)}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == LISTENING and row[9] in inodes]


def foreign(pids: list[int]) -> list[str]:
    """Addresses on which they listen and that are not this host's own."""
    return [address for address in listening(pids) if address.split(":")[0] not in LOOPBACK]


def sockets(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found
