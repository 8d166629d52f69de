"""docs/add_a_feature.md, followed word for word on a copy of the part of the project that it is about."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import psycopg
import pytest

from orchestration.dbt import developer_login
from tests.dbt_project.conftest import PROJECT, Event, Project
from warehouse.developers import DeveloperNameError, drop_developer_schemas

pytestmark = pytest.mark.integration

GUIDE = (PROJECT.parent / "docs" / "add_a_feature.md").read_text()
STEP = re.compile(r"[Ii]n `(models/[^`]+)`, (above|below)\n\n```\w+\n(.*?)```\n\n```\w+\n(.*?)```", re.DOTALL)
KEPT = ("agg_user_day", "agg_training_counts", "agg_user_ai_day", "ftr_user_ai_weekly")
COMMAND = "dbt build --profiles-dir . --full-refresh -s +ftr_user_ai_weekly --indirect-selection cautious"


def follow(guide: str, folder: Path) -> int:
    """Do each step: put the second block above or below the first, which stands in the file once. Returns how many."""
    steps = STEP.findall(guide)
    for name, where, there, new in steps:
        text = (folder / name).read_text()
        assert text.count(there) == 1, f"{there!r} stands {text.count(there)} times in {name}"
        (folder / name).write_text(text.replace(there, new + there if where == "above" else there + new))
    return len(steps)


def copy_of_part(folder: Path) -> Path:
    """The project with the feature set of the guide and what it is made from."""
    for name in ("dbt_project.yml", "profiles.yml", "macros", "tests/generic", "models/staging", "models/groups.yml"):
        source = PROJECT / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    for file in (PROJECT / "models").rglob("*"):
        if file.stem in KEPT:
            target = folder / file.relative_to(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return folder


def test_a_feature_is_added_as_the_guide_says(project: Project, tmp_path: Path) -> None:
    """By a developer, whose login reads what dbt reads and writes nothing but an own schema."""
    folder = copy_of_part(tmp_path / "copy")
    assert follow(GUIDE, folder) == 4
    assert COMMAND in GUIDE
    failed = '{"succeeded": false}'
    project.replace_days(
        [
            Event("a", "s", "2024-01-02 12:00", action="response", data=failed, event_type="ai"),
            Event("b", "s", "2024-01-08 12:00"),
        ]
    )
    mine = developer_login(project.database, "anna", "x")
    location = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--target", mine.pop("DBT_TARGET")]
    project.target.mkdir()
    done = project.runner.run(
        ["build", *COMMAND.split()[4:]], location, project.environment() | mine, project.output
    )  # fmt: skip
    assert done == 0, project.output.read_text()
    assert "PASS ftr_user_ai_weekly::ftr_user_ai_weekly_sees_what_was_known" in project.output.read_text()
    with as_developer(mine) as conn:
        built = conn.execute("select failed_answer_share_28d from dev_anna.ftr_user_ai_weekly").fetchall()
    assert built == [(1.0,)]
    assert project.rows("select to_regclass('features.ftr_user_ai_weekly') is null") == [(True,)]


@pytest.mark.parametrize(
    "statement",
    [
        "select from raw.system_logs", "select from consent.consent_events", "delete from safe.pseudonymous_events",
        "create table features.own (n int)", "create schema own", "create table dev_ben.own (n int)",
    ],
)  # fmt: skip
def test_a_developer_writes_an_own_schema_only(project: Project, statement: str) -> None:
    mine = developer_login(project.database, "anna", "x")
    developer_login(project.database, "ben", "y")
    with as_developer(mine) as conn:
        conn.execute("select from safe.pseudonymous_events")
        conn.execute("create table dev_anna.own (n int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())


def test_an_erasure_takes_the_copies_of_developers_away(project: Project) -> None:
    mine = developer_login(project.database, "anna", "x")
    with as_developer(mine) as conn:
        conn.execute("create table dev_anna.own as select 's' as subject")
    with project.database.connect("erasure") as conn:
        assert drop_developer_schemas(conn) == ["dev_anna"]
        assert drop_developer_schemas(conn) == []


def test_a_name_that_is_no_schema_is_refused(project: Project) -> None:
    with pytest.raises(DeveloperNameError, match="letters a-z"):
        developer_login(project.database, "anna; drop", "x")


def as_developer(login: dict[str, str]) -> psycopg.Connection:
    """A connection with a developer's login."""
    return psycopg.connect(
        host=login["LETHE_DBT_HOST"],
        port=login["LETHE_DBT_PORT"],
        dbname=login["LETHE_DBT_DBNAME"],
        user=login["LETHE_DBT_USER"],
        password=login["LETHE_DBT_PASSWORD"],
    )
