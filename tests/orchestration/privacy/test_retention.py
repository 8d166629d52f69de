"""`lethe privacy retention` in this process, over a real database: terms, holds, the plan and the run; and its job."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy.retention_jobs import daily_retention, retention_job
from privacy.retention.errors import UncoveredTableError
from privacy.retention.stores import uncovered
from tests.privacy.retention.world import Event, ids, put_events
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
OLD = date(2026, 6, 1)  # the clock of the platform fixture says 2026-11-20
WHO = ("--by", "officer", "--reason", "court order 7")


@pytest.fixture
def filled(database: Database) -> Database:
    with database.connect("erasure") as conn:
        if missing := uncovered(conn):  # a table of an area whose rule is not in the registry yet
            pytest.fail(f"no retention rule for {missing}")
    put_events(database, [Event("old", OLD, "u1"), Event("held", OLD, "u2"), Event("young", date(2026, 11, 19), "u1")])
    return database


def test_from_a_hold_to_deletion(
    filled: Database, platform: PlatformResource, capsys: pytest.CaptureFixture[str]
) -> None:
    def lethe(*arguments: str) -> str:
        assert cli.main(["privacy", "retention", *arguments, "--home", platform.home]) == cli.DONE
        return capsys.readouterr().out

    assert "hold 1 is in force" in (said := lethe("hold", "--user", "u2", "--until", "2027-01-01", *WHO))
    assert "it finds nobody in" in said
    planned = json.loads(lethe("plan", "--json"))
    events = next(line for line in planned["lines"] if line["store"] == "raw.system_logs")
    assert (events["n"], events["n_held"], planned["n_closing_days"]) == (1, 1, 1)
    assert "u2" not in json.dumps(planned)
    text = lethe("plan")
    assert "raw.system_logs" in text
    assert "hold 1 of one person" in text
    assert "u2" not in text
    assert "2 are held" in lethe("run")
    assert ids(filled) == {"held", "young"}
    lethe("release", "1", *WHO)
    report = json.loads(lethe("run", "--json"))
    assert report["partitions"] == {"system_logs_2026_q2": 1}
    assert ids(filled) == {"young"}
    assert "nothing is past its term" in lethe("run")


def test_terms_are_shown_and_changed(platform: PlatformResource, capsys: pytest.CaptureFixture[str]) -> None:
    def lethe(*arguments: str) -> str:
        assert cli.main(["privacy", "retention", *arguments, "--home", platform.home]) == cli.DONE
        return capsys.readouterr().out

    assert "raw_events         60 days" in lethe("policies")
    lethe("set", "raw_events", "never", *WHO)
    lethe("set", "/data/hint", "7", "--event-type", "ai", *WHO)
    shown = json.loads(lethe("policies", "--json"))
    assert next(p for p in shown["policies"] if p["name"] == "raw_events")["days"] is None
    assert {"event_type": "ai", "path": "/data/hint", "days": 7} in shown["values"]
    assert next(p for p in shown["policies"] if p["name"] == "osint_data")["stores"] == ["privacy.osint_findings"]


def test_a_table_without_a_rule_makes_the_command_and_the_job_fail_after_the_rest_is_deleted(
    filled: Database, platform: PlatformResource, capsys: pytest.CaptureFixture[str]
) -> None:
    with filled.connect(ADMIN) as conn:
        conn.execute("create table quality.forgotten (at timestamptz)")
    assert cli.main(["privacy", "retention", "run", "--home", platform.home]) == cli.REFUSED
    assert "quality.forgotten" in capsys.readouterr().err
    assert ids(filled) == {"young"}
    with pytest.raises(UncoveredTableError, match=r"quality\.forgotten"):
        retention_job.execute_in_process(resources={"platform": platform})


def test_the_job_counts_and_draws(filled: Database, platform: PlatformResource, tmp_path: Path) -> None:
    with filled.connect("privacy") as conn:
        conn.execute(
            "insert into privacy.osint_findings (subject, source, kind, sealed, found_at, refreshed_at, imported_by, "
            "imported_at) select 'u', 's', 'k' || days, 'sealed', at, at, 'anna', at from unnest(array[30, 31]) days "
            "cross join lateral (select timestamptz '2026-11-20 12:00Z' - make_interval(days => days)) as a (at)"
        )
    journal = tmp_path / "home" / "logs" / "decisions-2010-01-01.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("{}\n")
    result = retention_job.execute_in_process(resources={"platform": platform})
    (event,) = [e for e in result.all_events if e.is_successful_output]
    metadata = {name: value.value for name, value in event.step_output_data.metadata.items()}
    assert result.output_for_node("retention_run") == metadata["deleted"] == 9
    assert (metadata["held"], metadata["closed_days"], metadata["tables_without_a_rule"]) == (0, 1, 0)
    assert metadata["osint_findings_due_for_refresh"] == 1
    assert "data:image/svg" in str(metadata["deleted_per_day"])
    assert "| decision journal | audit_logs |" in str(metadata["stores"])
    assert not journal.exists()


def test_retention_runs_once_a_day() -> None:
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 20, 3, tzinfo=UTC))
    (request,) = daily_retention.evaluate_tick(context).run_requests or []
    assert request.run_key == "retention-2026-11-20"
    assert daily_retention.cron_schedule == "0 3 * * *"
