"""What the environment says, read in one place; what it cannot say is named with its variable."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse.settings import InvalidSettingError, Settings


def test_the_home_of_the_command_wins_over_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETHE_HOME", str(tmp_path / "there"))
    assert Settings.load().home == tmp_path / "there"
    assert Settings.load(tmp_path / "here").home == tmp_path / "here"
    monkeypatch.delenv("LETHE_HOME")
    assert Settings.load().home.name == "lethe", "in the user's own data folder"


@pytest.mark.parametrize(("said", "level"), [(None, "INFO"), ("off", "OFF"), ("ERROR", "ERROR")])
def test_the_level_of_the_journal(said: str | None, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LETHE_JOURNAL_LEVEL", raising=False)
    if said:
        monkeypatch.setenv("LETHE_JOURNAL_LEVEL", said)
    assert Settings.load().journal_level == level


def test_a_time_without_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_CLOCK", "2026-01-31T12:00:00")
    assert Settings.load().now() == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(("name", "said"), [("LETHE_JOURNAL_LEVEL", "loud"), ("LETHE_CLOCK", "yesterday")])
def test_a_setting_that_cannot_be_used_is_named(name: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, said)
    with pytest.raises(InvalidSettingError, match=name):
        Settings.load()
