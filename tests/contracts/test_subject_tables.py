"""Every table that holds rows of people is registered, in the live schema after a build of every model."""

from __future__ import annotations

import pytest

from tests.dbt_project.conftest import Project, project, runner
from warehouse.database import ADMIN
from warehouse.subjects import SUBJECT_COLUMNS, SUBJECT_TABLES

__all__ = ["project", "runner"]

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("dbt")]
TOOLS = ("pg_catalog", "information_schema", "dagster", "mlflow")
FOUND = """
select distinct c.table_schema || '.' || c.table_name from information_schema.columns c
where c.table_schema <> all(%s) and c.column_name = any(%s)
  and not exists (
    select from pg_inherits i
    where i.inhrelid = (quote_ident(c.table_schema) || '.' || quote_ident(c.table_name))::regclass
  )
"""


def carriers(project: Project) -> set[str]:
    with project.database.connect(ADMIN) as conn:
        return {row[0] for row in conn.execute(FOUND, (list(TOOLS), list(SUBJECT_COLUMNS))).fetchall()}


def test_a_table_with_a_subject_is_registered_or_caught(project: Project) -> None:
    assert project.run("run"), project.output.read_text()
    registered = {row.table for row in SUBJECT_TABLES}
    assert carriers(project) == registered
    with project.database.connect(ADMIN) as conn:
        conn.execute("create table ml.forgotten (subject text)")
    assert carriers(project) - registered == {"ml.forgotten"}
