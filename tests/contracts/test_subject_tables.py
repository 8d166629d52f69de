"""Every table that holds rows of people is registered, in the live schema after a completed run."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Completed
from warehouse.database import ADMIN
from warehouse.subjects import SUBJECT_COLUMNS, SUBJECT_TABLES

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("completed")]
TOOLS = ("pg_catalog", "information_schema", "dagster", "mlflow")
FOUND = """
select distinct c.table_schema || '.' || c.table_name from information_schema.columns c
where c.table_schema <> all(%s) and c.column_name = any(%s)
  and not exists (
    select from pg_inherits i
    where i.inhrelid = (quote_ident(c.table_schema) || '.' || quote_ident(c.table_name))::regclass
  )
"""


def carriers(completed: Completed) -> set[str]:
    with completed.home.database().connect(ADMIN) as conn:
        return {row[0] for row in conn.execute(FOUND, (list(TOOLS), list(SUBJECT_COLUMNS))).fetchall()}


def test_every_table_with_a_subject_is_registered(completed: Completed) -> None:
    assert carriers(completed) == {row.table for row in SUBJECT_TABLES}


def test_a_new_table_with_a_subject_is_caught(completed: Completed) -> None:
    with completed.home.database().connect(ADMIN, autocommit=True) as conn:
        conn.execute("create table ml.forgotten (subject text)")
        try:
            assert carriers(completed) - {row.table for row in SUBJECT_TABLES} == {"ml.forgotten"}
        finally:
            conn.execute("drop table ml.forgotten")
