"""`lethe privacy breaches` in this process, over a real database: from the first entry to the close; its sensors."""

from __future__ import annotations

import base64
import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import cli, dbt
from orchestration.platform import PlatformResource, platform_of
from orchestration.privacy import breaches_jobs, lineage, retention_jobs
from orchestration.privacy.breaches_jobs import (
    breach_alarm_job,
    breach_alarms,
    breach_drafts_job,
    turn,
    undrafted_breaches,
)
from privacy.breaches import register
from privacy.breaches.errors import UndraftedBreachError
from privacy.breaches.register import MarkedTable
from tests.privacy.retention.world import Event, put_events
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration
BY = ("--by", "officer")
AWARE = ("--aware", "2026-11-18T11:00:00+00:00")  # 49 hours before the clock of the platform fixture


MODELS = {"model.lethe.agg_company_day": "aggregates", "model.lethe.stg_personalization_events": "staging"}


def parsed(platform: PlatformResource, manifest: dict[str, object]) -> None:
    """Leave the manifest in the home as dbt would: parsing takes seconds."""
    folder = Path(platform.home) / "dbt"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "project.digest").write_text(dbt.project_digest())


def test_a_manifest_says_what_a_model_is_made_from(platform: PlatformResource) -> None:
    agg, stg, source = *MODELS, "source.lethe.safe.pseudonymous_events"
    manifest = {
        "nodes": {key: {"schema": schema, "alias": key.split(".")[-1]} for key, schema in MODELS.items()},
        "sources": {source: {"schema": "safe", "name": "pseudonymous_events"}},
        "parent_map": {agg: [stg, "macro.lethe.x"], stg: [source], source: [], "test.lethe.t": [agg]},
    }
    parsed(platform, manifest)
    assert lineage.lineage(Settings.load(Path(platform.home))) == {
        "aggregates.agg_company_day": ["staging.stg_personalization_events"],
        "staging.stg_personalization_events": ["safe.pseudonymous_events"],
    }


def test_from_the_first_entry_to_the_close(
    database: Database,
    platform: PlatformResource,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parsed(platform, {"nodes": {}, "sources": {}, "parent_map": {}})

    def lethe(*arguments: str, is_refused: bool = False) -> str:
        code = cli.main(["privacy", "breaches", *arguments, "--home", platform.home])
        assert (code != cli.DONE) is is_refused
        return capsys.readouterr().out

    put_events(database, [Event("a", date(2026, 11, 1), "u1"), Event("b", date(2026, 11, 2), "u2")])
    assert "by 2026-11-21 11:00:00" in lethe("open", "lost laptop", *AWARE, *BY)
    tables = ("--table", "raw.system_logs,2026-11-02", "--table", "safe.anonymous_events")
    facts = ("--nature", "a laptop was lost", "--n-subjects", "2", "--categories-of-data", "events")
    said = lethe("mark", "1", *tables, *facts, *BY)
    assert "1 people             1 rows  raw.system_logs (raw ids)" in said
    assert "2 people             2 rows  raw.system_logs (raw ids), reached through safe.anonymous_events" in said
    lethe("mark", "1", "--table", "raw.nothing", *BY, is_refused=True)
    state = json.loads(lethe("status", "--json"))
    assert (state["hours_left"], state["alarms"]) == (23.0, [])
    assert {"consequences", "measures", "contact"} <= set(state["missing"])
    people = tmp_path / "people.txt"
    lethe("notify", "1", "--people", str(people), *BY)
    assert people.read_text().split() == ["u1", "u2"]
    assert stat.S_IMODE(people.stat().st_mode) == 0o600
    cli.main(["privacy", "consent", "show", "u1", "--by", "mallory", "--home", platform.home])
    lethe("notify", "1", "--people", str(people), "--seen-by", "mallory", *BY)
    assert people.read_text().split() == ["u1"]
    lethe("notify", "1", "--people", str(people), "--seen-by", "mallory,2026-11-21", *BY)
    assert people.read_text().split() == []
    lethe("notify", "1", "--people", str(people), "--seen-by", "officer", *BY, is_refused=True)  # looked at everybody
    lethe("notify", "1", "--people", str(people), *BY)
    folder = tmp_path / "home" / "breaches" / "1"
    draft = (folder / "authority.md").read_text()
    assert "a laptop was lost" in draft
    assert "2 different people in all" in draft
    assert json.loads((folder / "subjects.json").read_text())["missing"] == ["consequences", "measures", "contact"]
    assert "u1" not in "".join(path.read_text() for path in folder.iterdir())
    lethe("close", "1", *BY, is_refused=True)
    lethe("notify", "1", "--sent", "authority", "--reference", "A-1", *BY)
    lethe("close", "1", "--no-subjects", "the disk was encrypted", *BY)
    assert "closed" in lethe("status", "1")


def test_the_sensor_asks_for_a_run_per_alarm_and_the_run_raises_each_once(
    platform: PlatformResource, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> list[str | None]:
        with dg.build_sensor_context(resources={"platform": platform}) as context:
            ticked = breach_alarms(context)
        return [request.run_key for request in ticked.run_requests or []] if isinstance(ticked, dg.SensorResult) else []

    assert asked() == []
    assert cli.main(["privacy", "breaches", "open", "lost laptop", *AWARE, *BY, "--home", platform.home]) == cli.DONE
    assert asked() == ["breach-1-24h-25", "breach-1-48h-1"]
    monkeypatch.setenv("LETHE_CLOCK", "2026-11-20T13:00:00+00:00")  # the runs were killed: asked for again
    platform_of.cache_clear()
    assert asked() == ["breach-1-24h-26", "breach-1-48h-2"]
    for expected in (2, 0):
        result = breach_alarm_job.execute_in_process(resources={"platform": platform})
        assert result.output_for_node("breach_alarms_op") == expected
        (output,) = [event for event in result.all_events if event.is_successful_output]
        assert "22.0" in drawn(str(output.step_output_data.metadata["hours_left"].value))
    assert asked() == []
    capsys.readouterr()
    assert cli.main(["privacy", "breaches", "status", "1", "--home", platform.home]) == cli.DONE
    assert "alarms     [24, 48]" in capsys.readouterr().out


def test_marked_tables_are_drafted_by_the_job_that_the_sensor_asks_for_once(
    database: Database, platform: PlatformResource, capsys: pytest.CaptureFixture[str]
) -> None:
    def tick() -> dg.RunRequest | dg.SkipReason:
        with dg.build_sensor_context(resources={"platform": platform}) as context:
            found = undrafted_breaches(context)
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        return found

    def run() -> dict[str, Any]:
        done = breach_drafts_job.execute_in_process(resources={"platform": platform})
        (event,) = [event for event in done.all_events if event.is_successful_output]
        return {name: value.value for name, value in event.step_output_data.metadata.items()}

    def lethe(*arguments: str) -> None:
        assert cli.main(["privacy", "breaches", *arguments, *BY, "--home", platform.home]) == cli.DONE

    parsed(platform, {"nodes": {}, "sources": {}, "parent_map": {}})
    put_events(database, [Event("a", date(2026, 11, 1), "user-ada"), Event("b", date(2026, 11, 2), "user-bob")])
    lethe("open", "lost laptop", *AWARE)
    assert isinstance(tick(), dg.SkipReason)
    lethe("mark", "1", "--table", "raw.system_logs", "--table", "safe.anonymous_events")
    asked = tick()
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == f"breach-drafts-1-{turn(0)}"
    found = run()
    assert (found["drafted"], "| 1 | raw.system_logs | raw.system_logs | 2 | 2 |" in found["affected"]) == (1, True)
    assert "breach 1: raw.system_logs" in drawn(found["people_per_table"])
    assert "23.0" in drawn(found["hours_left"])
    assert "user-" not in str(found)
    assert "2 people in 2 rows" in (Path(platform.home) / "breaches" / "1" / "authority.md").read_text()
    assert isinstance(tick(), dg.SkipReason)
    assert run()["drafted"] == 0
    capsys.readouterr()


def test_behind_a_long_run_the_look_itself_drafts(
    database: Database, platform: PlatformResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tick(seconds: int) -> dg.RunRequest | dg.SkipReason:
        monkeypatch.setenv("LETHE_CLOCK", f"2026-11-20T12:{seconds // 60:02}:{seconds % 60:02}+00:00")
        platform_of.cache_clear()
        with dg.build_sensor_context(resources={"platform": platform}) as context:
            found = undrafted_breaches(context)
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        return found

    def mark(*tables: str) -> int:
        now = platform.open().settings.now()
        with database.connect("erasure") as conn:
            number = register.open_breach(conn, "lost laptop", aware_at=now, opened_by="officer", now=now)
            marked = [MarkedTable(table) for table in tables]
            register.mark_tables(conn, number, marked, recorded_by="officer", now=now)
        return number

    parsed(platform, {"nodes": {}, "sources": {}, "parent_map": {}})
    mark("raw.system_logs")
    assert isinstance(tick(0), dg.RunRequest)
    assert isinstance(tick(90), dg.RunRequest)
    drafted = tick(120)
    assert isinstance(drafted, dg.SkipReason)
    assert "drafted here" in str(drafted.skip_message)
    assert (Path(platform.home) / "breaches" / "1" / "authority.md").exists()
    assert tick(150) == dg.SkipReason("every marking has its drafts")
    mark("marts.gone")
    assert isinstance(tick(300), dg.RunRequest), "the run fails, and says why"


def test_a_table_that_is_gone_fails_the_run_with_its_name(platform: PlatformResource) -> None:
    parsed(platform, {"nodes": {}, "sources": {}, "parent_map": {}})
    now = platform.open().settings.now()
    with platform.open().database.connect("erasure") as conn:
        number = register.open_breach(conn, "lost laptop", aware_at=now, opened_by="officer", now=now)
        register.mark_tables(conn, number, [MarkedTable("marts.gone")], recorded_by="officer", now=now)
    with pytest.raises(UndraftedBreachError, match=r"breach 1: the database holds no table 'marts\.gone'"):
        breach_drafts_job.execute_in_process(resources={"platform": platform})


def test_what_was_killed_is_tried_again_within_five_minutes_and_what_fails_for_good_every_hour() -> None:
    tries = [turn(seconds) for seconds in range(0, 24 * 3600, 30)]
    assert len(set(tries[:10])) >= 3
    assert len(set(tries)) < 30
    assert tries == sorted(tries)


def drawn(picture: str) -> str:
    """The SVG of a plot."""
    return base64.b64decode(picture.split("base64,")[1].rstrip(")")).decode()


def test_dagster_loads_the_jobs_with_the_resources_of_a_home(tmp_path: Path) -> None:
    """A sensor that holds a job of ops is remade with them, and Dagster warns of its own parameter: named instead."""
    parts = (breaches_jobs, retention_jobs)
    loaded = dg.Definitions(
        jobs=[job for part in parts for job in part.JOBS],
        schedules=retention_jobs.SCHEDULES,
        sensors=[sensor for part in parts for sensor in part.SENSORS],
        resources={"platform": PlatformResource(home=str(tmp_path))},
    ).get_repository_def()
    assert {job.name for job in loaded.get_all_jobs()} >= {"retention_job", "breach_alarm_job", "breach_drafts_job"}
    assert loaded.get_sensor_def("breach_alarms").job_name == "breach_alarm_job"
    drafting = loaded.get_sensor_def("undrafted_breaches")
    assert drafting.job_name == "breach_drafts_job"
    both = (drafting, loaded.get_sensor_def("breach_alarms"))
    assert {sensor.default_status for sensor in both} == {dg.DefaultSensorStatus.RUNNING}
