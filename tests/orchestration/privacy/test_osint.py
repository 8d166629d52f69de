"""`lethe privacy osint` in this process on a real database: bring findings, see what is due, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy.erasure import ledger_of
from orchestration.privacy.osint_jobs import osint_import_job
from privacy.consent import Decision, record_decisions
from privacy.erasure.ledger import OPENED

pytestmark = pytest.mark.integration
CLOCK = "2026-11-20T12:00:00+00:00"  # of the platform fixture


def line(user: str, found_at: str = CLOCK, **changes: object) -> str:
    return json.dumps({"user_id": user, "kind": "profile", "finding": {"x": 1}, "found_at": found_at} | changes) + "\n"


def test_findings_are_brought_due_and_named_in_a_private_file_only(
    platform: PlatformResource, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lethe(*arguments: str) -> str:
        assert cli.main(["privacy", *arguments, "--home", platform.home]) == cli.DONE
        return capsys.readouterr().out

    for user in ("ada", "gone"):
        lethe("consent", "grant", user, "osint_enrichment", "--by", "anna", "--reason", "asked")
    opened = platform.open()
    ledger = ledger_of(opened)
    ledger.append(OPENED, "e1", [ledger.blinder.text("gone")], opened.settings.now())
    file = tmp_path / "findings.jsonl"
    file.write_text(line("ada") + line("ada") + line("gone") + line("nobody"))
    said = lethe("osint", "import", str(file), "--source", "github", "--by", "anna")
    assert said == "4 read: 1 stored, 0 refreshed, 1 duplicates, 2 refused (erased 1, no_consent 1)\n"
    assert json.loads(lethe("osint", "import", str(file), "--source", "github", "--json"))["n_duplicates"] == 2
    assert lethe("osint", "due").startswith("0 findings are due")

    monkeypatch.setenv("LETHE_CLOCK", "2026-12-31T12:00:00+00:00")
    listed = tmp_path / "due.jsonl"
    said = lethe("osint", "due", "--to", str(listed), "--by", "anna", "--purpose", "looking again")
    assert "1  github profile" in said
    assert "ada" not in said
    assert json.loads(listed.read_text())["user_id"] == "ada"
    assert listed.stat().st_mode & 0o077 == 0
    with opened.database.connect("privacy") as conn:
        looked = conn.execute("select actor, purpose, place, n_rows from privacy.access_log").fetchall()
    assert looked[-1] == ("anna", "looking again", "privacy.osint_findings", 1)
    report = json.loads(lethe("retention", "run", "--json"))
    assert report["osint_findings_due_for_refresh"] == 1


@pytest.mark.parametrize(
    ("content", "source", "said"),
    [
        (None, "github", "cannot be read"),
        ("", "github", "is empty"),
        (line("ada") + "{", "github", "line 2 is no JSON"),
        (line("ada", "2027-01-01T00:00:00Z"), "github", "lies in the future"),
        (line("ada"), "Ada's page", "a source is named in lower case"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_two(
    platform: PlatformResource, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, source: str,
    said: str,
) -> None:  # fmt: skip
    file = tmp_path / "findings.jsonl"
    if content is not None:
        file.write_text(content)
    assert cli.main(["privacy", "osint", "import", str(file), "--source", source, "--home", platform.home]) == cli.USAGE
    printed = capsys.readouterr()
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1
    assert "ada" not in printed.err.removeprefix(f"lethe: {file}")
    with platform.open().database.connect("privacy") as conn:
        assert conn.execute("select count(*) from privacy.osint_findings").fetchone() == (0,)


def test_a_file_is_brought_as_a_job(platform: PlatformResource, tmp_path: Path) -> None:
    file = tmp_path / "findings.jsonl"

    def bring(content: str) -> dg.ExecuteInProcessResult:
        file.write_text(content)
        config = {"ops": {"osint_import": {"config": {"file": str(file), "source": "github", "by": "anna"}}}}
        resources = {"platform": platform}
        done = osint_import_job.execute_in_process(run_config=config, resources=resources, raise_on_error=False)
        assert "user-ada" not in str(done.all_events)
        return done

    with platform.open().database.connect("privacy") as conn:
        at = platform.open().settings.now()
        record_decisions(conn, [Decision("user-ada", "osint_enrichment", "grant", at, at, "portal", "accept")])
    refused = bring(line("user-ada") + "user-ada")
    assert not refused.success
    assert "line 2 is no JSON" in str([event for event in refused.all_events if event.is_step_failure])
    done = bring(line("user-ada") + line("user-ada") + line("nobody"))
    (output,) = [found for found in done.all_events if found.is_successful_output]
    shown = output.step_output_data.metadata
    counted = ("read", "stored", "duplicates", "refused/no_consent")
    assert [shown[name].value for name in counted] == [3, 1, 1, 1]
    assert "data:image/svg+xml" in str(shown["lines"].value)
