"""Wrong commands end with one clear line, the right exit code and no stack trace, in a process of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.homes import LETHE, Finished, run

pytestmark = [pytest.mark.integration]

NOBODY = "postgresql://lethe:secret-word@127.0.0.1:1/lethe"


def lethe(*arguments: object, **variables: str) -> Finished:
    """The command as a person runs it."""
    return run([LETHE, *map(str, arguments)], {**os.environ, **variables}, timeout=120)


def complaint(done: Finished) -> str:
    """The one line of a refusal (progress lines begin with a clock)."""
    lines = [line for line in done.err.splitlines() if line and not line.startswith("[")]
    assert "Traceback" not in done.out + done.err, done.err
    assert len(lines) == 1, done.err
    assert lines[0].startswith("lethe: ")
    return lines[0]


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """A mapping that can be used."""
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "source: test\nfields:\n  id: id\n  event_type: type\n  event_source: {constant: test}\n"
        "  action: type\n  created_at: {timestamp: at}\n  data_classification: {constant: non_personal}\n"
        "  retention_policy: {constant: short_term}\n"
    )
    return path


@pytest.fixture
def elsewhere(database: object, tmp_path: Path) -> dict[str, str]:
    """An environment whose database is ready, so that a wrong file costs no server start."""
    from warehouse.database import ADMIN, Database

    assert isinstance(database, Database)
    return {"LETHE_DATABASE_URL": database.url(ADMIN), "LETHE_HOME": str(tmp_path / "home")}


def test_a_missing_file_is_named(elsewhere: dict[str, str], tmp_path: Path, mapping: Path) -> None:
    done = lethe("run", tmp_path / "gone.jsonl", "--mapping", mapping, **elsewhere)
    assert done.code == 2
    assert "gone.jsonl" in complaint(done)


def test_a_missing_mapping_file_is_named(elsewhere: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"id": "1"}\n')
    done = lethe("run", file, "--mapping", tmp_path / "gone.yaml", **elsewhere)
    assert done.code == 2
    assert "gone.yaml" in complaint(done)


def test_a_simulation_too_small_is_wrong_input(elsewhere: dict[str, str]) -> None:
    done = lethe("run", "--events", 3, **elsewhere)
    assert done.code == 2
    assert "at least 200 events" in complaint(done)


def test_files_without_a_mapping_are_told_how_to_get_one(tmp_path: Path) -> None:
    done = lethe("run", "events.jsonl", "--home", tmp_path / "home")
    assert done.code == 2
    assert "`lethe mapping suggest events.jsonl`" in complaint(done)


def test_an_unknown_role_lists_the_roles(tmp_path: Path) -> None:
    done = lethe("url", "--role", "root", "--home", tmp_path / "home")
    assert done.code == 2
    assert "there is no role root" in (line := complaint(done))
    assert "admin" in line


@pytest.mark.parametrize("command", [("run",), ("url",), ("status",)])
def test_a_home_that_cannot_be_made_is_wrong_input(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("in the way")
    done = lethe(*command, "--home", tmp_path / "file" / "home", LETHE_DATABASE_URL="")
    if command == ("status",):
        assert done.code == 0, "a home that is not there is a state as well"
    else:
        assert done.code == 2
        assert str(tmp_path / "file" / "home") in complaint(done)


def test_a_clock_that_is_no_time_is_named(tmp_path: Path) -> None:
    done = lethe("status", "--home", tmp_path / "home", LETHE_CLOCK="yesterday")
    assert done.code == 2
    assert "LETHE_CLOCK" in complaint(done)


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    done = lethe("run", "--home", tmp_path / "home", LETHE_DATABASE_URL=NOBODY)
    assert done.code == 1
    assert "127.0.0.1:1/lethe" in (line := complaint(done))
    assert "secret-word" not in line


@pytest.mark.parametrize("address", ["mysql://somewhere", "postgresql://a:secret-word@host:ten/lethe"])
def test_an_address_that_is_none_is_explained(address: str, tmp_path: Path) -> None:
    done = lethe("run", "--home", tmp_path / "home", LETHE_DATABASE_URL=address)
    assert done.code == 2
    assert "postgresql://user:password@host:5432/database" in complaint(done)
