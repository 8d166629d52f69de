"""Runs that fail on planted values: what they say, log and record holds none of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canary.forms import Planted
from tests.canary.homes import WatchedHome
from tests.canary.planting import PlantedLog, made_up, plant
from tests.canary.search import Search
from tests.homes import make_home
from warehouse.database import ADMIN

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.xdist_group("canary")]


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedHome]:
    """A small planted log and a home that nothing was imported into yet."""
    folder = tmp_path_factory.mktemp("failing")
    log = plant(folder, 400)
    shout = [Planted(made_up("email", f"event type {n}"), "event_type of many events") for n in range(200)]
    log = PlantedLog(log.events, log.mapping, [*log.stored, *shout], log.refused)
    watched = WatchedHome(make_home(folder / "home"), log, Search(log.planted), folder / "surroundings")
    try:
        yield watched
    finally:
        watched.home.remove()


def say_nothing(watched: WatchedHome, *arguments: str, code: int) -> str:
    """Run a command that must fail with this code; returns what it said, in which no planted value is."""
    done = watched.run(*arguments)
    assert done.code == code, done.err[-2000:]
    found = watched.everything()
    assert not found.hits, found.report()
    return done.out + done.err


def test_bad_input_is_refused_without_its_values(failing: WatchedHome, tmp_path: Path) -> None:
    events, mapping = failing.log.events, str(failing.log.mapping)
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(events.read_bytes())[:-2000])
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text(Path(mapping).read_text().replace("user_id: user_id", "user_id: user_identity"))
    assert "cut.jsonl.gz" in say_nothing(failing, "run", str(cut), "--mapping", mapping, code=2)
    assert "user_identity" in say_nothing(failing, "run", str(events), "--mapping", str(unknown), code=2)


def test_a_row_that_the_database_refuses_is_not_quoted(failing: WatchedHome, tmp_path: Path) -> None:
    """PostgreSQL quotes the failing row in its message; neither the command nor the server's log repeats it."""
    with failing.home.database().connect(ADMIN) as conn:
        conn.execute("alter table raw.system_logs add constraint planted check (not data ? 'card') not valid")
    try:
        other = tmp_path / "again.jsonl"
        other.write_bytes(failing.log.events.read_bytes())
        said = say_nothing(failing, "run", str(other), "--mapping", str(failing.log.mapping), code=1)
        assert "SQLSTATE 23514" in said
    finally:
        with failing.home.database().connect(ADMIN) as conn:
            conn.execute("alter table raw.system_logs drop constraint planted")


def test_a_refusing_gate_names_no_value(failing: WatchedHome, tmp_path: Path) -> None:
    """Many event types that are addresses: the gate before the transform refuses them and says which rule broke."""
    template = json.loads(failing.log.events.read_text().splitlines()[0])
    loud = [planted.token for planted in failing.log.stored if planted.field == "event_type of many events"]
    events: list[dict[str, Any]] = [template | {"id": f"loud-{n}", "event_type": word} for n, word in enumerate(loud)]
    path = tmp_path / "loud.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    said = say_nothing(failing, "run", str(path), "--mapping", str(failing.log.mapping), code=3)
    assert "event_type" in said
