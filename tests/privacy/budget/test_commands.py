"""`lethe privacy budget` in this process, on a real database: what it prints, and its exit codes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration import cli, platform
from orchestration.platform import Platform
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration
ACCOUNT = ("--purpose", "analytics", "--period", "2026-Q4")
TABLE = "safe.pseudonymous_events"
GRANT = ("grant", TABLE, *ACCOUNT, "--epsilon", "1", "--delta", "1e-6", "--by", "officer", "--reason", "report")
RELEASE = ("release", TABLE, *ACCOUNT, "--user", "subject", "--group", "event_type", "--parts", "2")

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def opened(settings: Settings) -> Platform:
        return Platform(settings, database)

    monkeypatch.setattr(platform.Platform, "open", opened)

    def command(*arguments: str) -> tuple[int, str]:
        code = cli.main(["privacy", "budget", *arguments, "--home", str(tmp_path / "home")])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return command


def test_a_budget_is_granted_listed_spent_and_traced(run: Run, tmp_path: Path) -> None:
    assert run("list") == (0, "0 budgets; what a dataset's budgets allow adds up over purposes and periods\n")
    assert run(*GRANT)[0] == 0
    code, text = run(*GRANT)
    assert code == cli.USAGE
    assert "has a budget already" in text
    groups = tmp_path / "groups"
    groups.write_text("page\nclick\n")
    wish = (*RELEASE, "--groups", str(groups), "--data-version", "v1")
    code, text = run(*wish)
    assert code == 0
    assert text.splitlines()[0].endswith("  click")
    assert run(*wish) == (code, text)
    assert "epsilon 0.6" in run("list")[1]
    code, text = run("history", "--dataset", TABLE)
    assert code == 0
    assert "users by event_type over 2 public groups, data v1; rho 0.0121780 delta 0; released" in text
    assert f"{datetime.now(UTC):%Y-%m-%d}" in text


def test_what_the_budget_does_not_cover_is_refused(run: Run) -> None:
    assert run(*RELEASE, "--data-version", "v1")[0] == cli.USAGE
    run(*GRANT)
    code, text = run(*RELEASE, "--delta", "1e-8", "--data-version", "v1")
    assert code == cli.FAULT
    assert "delta 1e-08 of the 0 for selections" in text
    assert run(*RELEASE, "--group", "absent", "--delta", "1e-8", "--data-version", "v1")[0] == cli.USAGE
    assert run(*RELEASE, "--parts", "0", "--delta", "1e-8", "--data-version", "v1")[0] == cli.USAGE
    code, text = run(*RELEASE, "--groups", "absent.txt", "--data-version", "v1")
    assert code == cli.USAGE
    assert "absent.txt cannot be read" in text
    assert run("history")[1] == "0 spends\n"
