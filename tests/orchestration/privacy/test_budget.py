"""`lethe privacy budget` and the release job in this process, on a real database: words, exit codes, metadata."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy.budget_jobs import private_release_job, shared_use_job
from privacy.budget.ledger import history

pytestmark = pytest.mark.integration
ACCOUNT = ("--purpose", "analytics", "--period", "2026-Q4")
TABLE = "safe.pseudonymous_events"
GRANT = ("grant", TABLE, *ACCOUNT, "--epsilon", "1", "--delta", "1e-6", "--by", "officer", "--reason", "report")
RELEASE = ("release", TABLE, *ACCOUNT, "--user", "subject", "--group", "event_type", "--parts", "2")

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(platform: PlatformResource, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str]:
        code = cli.main(["privacy", "budget", *arguments, "--home", platform.home])
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
    assert "2026-11-20 12:00" in text


def test_what_the_budget_does_not_cover_is_refused(run: Run) -> None:
    assert run(*RELEASE, "--data-version", "v1")[0] == cli.USAGE
    run(*GRANT)
    code, text = run(*RELEASE, "--delta", "1e-8", "--data-version", "v1")
    assert code == cli.REFUSED
    assert "delta 1e-08 of the 0 for selections" in text
    assert run(*RELEASE, "--group", "absent", "--delta", "1e-8", "--data-version", "v1")[0] == cli.USAGE
    assert run(*RELEASE, "--parts", "0", "--delta", "1e-8", "--data-version", "v1")[0] == cli.USAGE
    code, text = run(*RELEASE, "--groups", "absent.txt", "--data-version", "v1")
    assert code == cli.USAGE
    assert "absent.txt cannot be read" in text
    assert run("history")[1] == "0 spends\n"


def test_a_job_releases_from_the_budget_and_shows_what_it_cost(run: Run, platform: PlatformResource) -> None:
    run(*GRANT)
    wish = {
        "dataset": TABLE, "purpose": "analytics", "period": "2026-Q4", "user": "subject", "group": "event_type",
        "groups": ["page", "click"], "parts": 4, "data_version": "v1",
    }  # fmt: skip
    config = {"ops": {"private_release": {"config": wish}}}
    for _ in range(2):  # the second run finds what the first one recorded
        done = private_release_job.execute_in_process(config, resources={"platform": platform})
        (event,) = [event for event in done.all_events if event.event_type_value == "STEP_OUTPUT"]
        found: dict[str, Any] = {name: value.value for name, value in event.step_output_data.metadata.items()}
        assert found["groups"] == 2
        assert found["rho_spent"] == pytest.approx(found["rho_remaining"] / 3)
        assert "data:image/svg+xml" in str(found["values"])
    with platform.open().database.connect("privacy") as conn:
        assert len(history(conn)) == 1


def test_shared_use_is_published_by_command_and_job_for_one_spend(run: Run, platform: PlatformResource) -> None:
    """The home is empty, so the release selects nothing; what it costs and whether it repeats shows all the same."""
    wish = ("publish", "--period", "2026-Q4", "--parts", "2")
    span = ("--start", "2026-10-01", "--end", "2026-10-03")
    code, text = run(*wish, *span)
    assert (code, "grant one with" in text) == (cli.USAGE, True)
    run("grant", "safe.anonymous_events", "--purpose", "sharing", *GRANT[4:], "--selection-delta", "1e-7")
    code, text = run(*wish, "--start", "2026-11-20", "--end", "2026-11-21")
    assert (code, "today at the latest" in text) == (cli.USAGE, True)
    code, text = run(*wish, *span)
    assert (code, "0 features published" in text, "spend 1" in text) == (0, True, True)
    config = {
        "ops": {"publish_shared_use": {"config": {
            "period": "2026-Q4", "start": "2026-10-01", "end": "2026-10-03", "parts": 2}}}
    }  # fmt: skip
    done = shared_use_job.execute_in_process(config, resources={"platform": platform})
    assert done.output_for_node("publish_shared_use") == 1
    assert run(*wish, "--start", "2026-10-01", "--end", "2026-10-02")[0] == 0
    code, text = run(*wish, "--start", "2026-10-02", "--end", "2026-10-03")
    assert (code, "nothing was drawn" in text) == (cli.REFUSED, True)
