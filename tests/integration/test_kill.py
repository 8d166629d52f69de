"""A run killed at ten places and run again ends with the same tables, byte for byte, and the same champion."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.forks import Fork, fork_server
from tests.homes import Home, make_home
from tests.integration.conftest import MODELS, N_EVENTS, Completed
from tests.integration.contents import champion, digests, unfinished
from warehouse.database import ADMIN

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.xdist_group("completed")]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is killed: once it printed `line` and, where given, the database answers `until` with a row."""

    name: str
    line: str
    until: str | None = None


WRITING_SAFE_ROWS = (
    "select 1 from pg_locks where relation = 'safe.pseudonymous_events'::regclass and mode = 'RowExclusiveLock'"
)
RECORDING_A_MODEL = "select 1 from mlflow.runs where status = 'RUNNING'"
CHAMPION_MOVED = "select 1 from mlflow.registered_model_aliases where alias = 'champion'"
PLACES = (
    Place("while importing", "events simulated", "select 1 from raw.imports"),
    Place("after the intake", "intake done"),
    Place("in the raw gate", "quality__raw_in ..."),
    Place("while safe rows are written", "privacy_transform ...", WRITING_SAFE_ROWS),
    Place("during dbt build", "OK created sql incremental model"),
    Place("in the features gate", "quality__features_out ..."),
    Place("while the model is recorded", "later rows of", RECORDING_A_MODEL),
    Place("after the alias moved", "later rows of", CHAMPION_MOVED),
    Place("while predicting", "ml__predictions ..."),
    Place("before publishing", "ml__published_predictions ..."),
)


@pytest.fixture(scope="module")
def killed(completed: Completed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with the vault of the undisturbed one (so that pseudonyms are comparable), killed again and again."""
    home = make_home(tmp_path_factory.mktemp("killed") / "home", MODELS)
    home.path.mkdir(parents=True, mode=0o700)
    shutil.copytree(completed.home.path / "vault", home.path / "vault")
    try:
        for place in PLACES:
            kill_at(home, place)
        last = home.run("run", "--events", N_EVENTS, "--json")
        assert last.code == 0, last.err
        yield home
    finally:
        home.remove()


def kill_at(home: Home, place: Place) -> None:
    """Run until the place is reached, then kill the command and everything it started but the server."""
    reading, writing = os.pipe()
    with open(os.devnull, "w") as nowhere:
        command = home.command("run", "--events", N_EVENTS)
        process = fork_server().start(command, home.environment, nowhere.fileno(), writing)
    os.close(writing)
    printed: list[str] = []
    with open(reading) as lines:
        try:
            for line in lines:
                printed.append(line)
                if place.line in line:
                    wait_until(home, place, process)
                    break
            assert process.poll() is None, f"the run ended before it was killed {place.name}:\n{''.join(printed)}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def wait_until(home: Home, place: Place, process: Fork) -> None:
    """Wait for the moment inside a step that only the database shows."""
    if place.until is None:
        return
    with home.database().connect(ADMIN, autocommit=True) as conn:
        deadline = time.monotonic() + 120
        while not seen(conn, place.until):
            assert process.poll() is None, f"the run ended before it could be killed {place.name}"
            assert time.monotonic() < deadline, f"the run never came to the place {place.name}"
            time.sleep(0.005)


def seen(conn: psycopg.Connection, query: str) -> bool:
    """Whether the query has a row; a table that is not there yet has none."""
    try:
        return conn.execute(query.encode()).fetchone() is not None
    except psycopg.errors.UndefinedTable:
        return False


def test_every_table_is_the_same_byte_for_byte(completed: Completed, killed: Home) -> None:
    expected, found = digests(completed.home.database()), digests(killed.database())
    assert {name: rows for name, rows in found.items() if rows != expected.get(name)} == {}
    assert found.keys() == expected.keys()


def test_the_digests_cover_rows(completed: Completed) -> None:
    """A comparison of empty tables would prove nothing."""
    counts = {name: n for name, (n, _) in digests(completed.home.database()).items()}
    must_hold_rows = {
        "raw.system_logs", "raw.event_keys", "consent.consent_events", "safe.pseudonymous_events",
        "safe.anonymous_events", "safe.exclusions", "sessions.ses_sessions", "aggregates.agg_user_day",
        "features.ftr_user_weekly", "features.lbl_user_churn", "ml.training_sets", "ml.training_subjects",
        "ml.predictions",
    }  # fmt: skip
    assert {name for name in must_hold_rows if not counts.get(name)} == set()


def test_the_champion_is_the_same(completed: Completed, killed: Home) -> None:
    assert champion(completed.home.database()) is not None
    assert champion(killed.database()) == champion(completed.home.database())


def test_no_run_is_left_running(killed: Home) -> None:
    assert unfinished(killed.database()) == {"dagster": 0, "mlflow": 0}


def test_a_run_after_the_last_one_finds_nothing_to_do(killed: Home) -> None:
    again = killed.run("run", "--json")
    assert again.code == 0
    assert again.summary["materialised"] is False


def test_no_file_of_raw_events_is_left_behind(killed: Home) -> None:
    assert list(killed.path.glob("simulated-*")) == []
