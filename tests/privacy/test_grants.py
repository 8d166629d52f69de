"""What each role may read, in the real database: dbt sees no raw, consent or privacy; ml sees features only."""

from __future__ import annotations

import psycopg
import pytest

from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
FORBIDDEN = {
    "dbt": ("raw", "consent", "privacy", "ml", "quality", "governance"),
    "ml": ("raw", "consent", "privacy", "safe", "staging", "sessions", "aggregates", "marts", "quality"),
    "collection": ("consent", "privacy", "safe", "features", "ml"),
    "quality": ("consent", "privacy"),
}
ALLOWED = {"dbt": ("safe",), "ml": ("features", "ml"), "quality": ("raw", "safe", "features")}


def readable(database: Database, stage: str) -> list[str]:
    """Tables and columns of forbidden schemas that a stage's role could read."""
    query = (
        "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f') "
        "and has_schema_privilege(%s, n.oid, 'usage') and (has_table_privilege(%s, c.oid, 'select') "
        "or has_any_column_privilege(%s, c.oid, 'select')) order by 1"
    )
    role = database.role(stage)
    with database.connect(ADMIN) as conn:
        return [str(row[0]) for row in conn.execute(query, (list(FORBIDDEN[stage]), role, role, role))]


@pytest.mark.parametrize("stage", FORBIDDEN)
def test_no_role_reads_what_it_must_not(database: Database, stage: str) -> None:
    assert readable(database, stage) == []


@pytest.mark.parametrize("stage", FORBIDDEN)
def test_the_server_itself_refuses(database: Database, stage: str) -> None:
    with database.connect(ADMIN) as conn:
        tables = conn.execute(
            "select schemaname || '.' || tablename from pg_tables where schemaname = any(%s)", (list(FORBIDDEN[stage]),)
        ).fetchall()
    with database.connect(stage, autocommit=True) as conn:
        for (table,) in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"select * from {table}".encode())


def test_a_planted_grant_is_caught(database: Database) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute(f'grant usage on schema consent to "{database.role("dbt")}"'.encode())
        conn.execute(f'grant select (subject) on consent.consent_events to "{database.role("dbt")}"'.encode())
    assert readable(database, "dbt") == ["consent.consent_events"]


@pytest.mark.parametrize("stage", ALLOWED)
def test_roles_reach_what_they_need(database: Database, stage: str) -> None:
    with database.connect(stage) as conn:
        for schema in ALLOWED[stage]:
            found = conn.execute("select has_schema_privilege(%s, 'usage')", (schema,)).fetchone()
            assert found == (True,)


def test_the_ledger_refuses_change(database: Database) -> None:
    with database.connect("privacy", autocommit=True) as conn:
        for statement in ("delete from consent.consent_events", "update consent.consent_events set reason = 'x'"):
            with pytest.raises(psycopg.Error, match=r"append-only|permission denied"):
                conn.execute(statement.encode())
