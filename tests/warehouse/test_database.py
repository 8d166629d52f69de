"""The database of a home: reachable, migrated, and separated by role."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from warehouse.database import ADMIN, Address, Database
from warehouse.errors import (
    DatabaseUnreachableError,
    InvalidAddressError,
    MigrationChangedError,
    UnsupportedServerError,
)
from warehouse.migrations import available

pytestmark = pytest.mark.integration


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute("delete from warehouse.state")
    assert database.migrate() == []


def test_a_changed_migration_is_refused(database: Database) -> None:
    name = available()[0].name
    with database.connect(ADMIN) as conn:
        conn.execute("delete from warehouse.state")
        conn.execute("update warehouse.migrations set digest = 'other' where name = %s", (name,))
    with pytest.raises(MigrationChangedError, match=name):
        database.migrate()


@pytest.mark.parametrize(
    ("stage", "table"),
    [
        ("dbt", "raw.system_logs"),
        ("dbt", "consent.consent_events"),
        ("dbt", "privacy.classification_rules"),
        ("ml", "safe.pseudonymous_events"),
        ("ml", "raw.system_logs"),
        ("collection", "safe.pseudonymous_events"),
        ("mlflow", "raw.system_logs"),
        ("dagster", "safe.pseudonymous_events"),
    ],
)
def test_a_stage_cannot_read_what_is_not_its_own(database: Database, stage: str, table: str) -> None:
    with database.connect(stage) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(f"select * from {table}".encode())


def test_a_server_that_is_too_old_is_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """No old server is at hand: the oldest that will do is raised above this one."""
    with database.connect(ADMIN) as conn:
        conn.execute("delete from warehouse.state")
        major = conn.info.server_version // 10_000
    monkeypatch.setattr("warehouse.database.OLDEST_SERVER", (major + 1) * 10_000)
    with pytest.raises(UnsupportedServerError, match=f"the server is PostgreSQL {major}; Lethe needs"):
        database.migrate()


def test_a_server_without_pgvector_is_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server at hand has it: it is asked for under a name that none has."""
    with database.connect(ADMIN) as conn:
        conn.execute("delete from warehouse.state")
    monkeypatch.setattr("warehouse.database.PGVECTOR", "no_vectors_here")
    with pytest.raises(UnsupportedServerError, match="install the extension 'no_vectors_here' on it"):
        database.migrate()


def test_raw_events_are_in_partitions_by_range_of_their_day(database: Database) -> None:
    query = "select pg_get_partkeydef('raw.system_logs'::regclass)"
    with database.connect(ADMIN) as conn:
        assert conn.execute(query.encode()).fetchone() == ("RANGE (event_day)",)


def test_a_wrong_password_is_a_clear_error(database: Database) -> None:
    wrong = Database(database.address, {**database.passwords, "ml": "wrong"}, database.role_prefix)
    with pytest.raises(DatabaseUnreachableError, match="refuses"):
        wrong.connect("ml")


@pytest.mark.parametrize("url", ["mysql://h/d", "postgresql://", "postgresql://host", "nonsense"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidAddressError, match="LETHE_DATABASE_URL"):
        Address.parse(url)


def test_the_consent_ledger_is_append_only(database: Database) -> None:
    with (
        database.connect("privacy") as conn,
        pytest.raises(psycopg.errors.RaiseException, match="append-only"),
    ):
        conn.execute("delete from consent.consent_events")


def test_credentials_are_for_their_owner_only(tmp_path: Path) -> None:
    from warehouse.secrets import load_or_create

    path = tmp_path / "credentials.json"
    first = load_or_create(path, ("a", "b"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path, ("a", "b", "c"))["a"] == first["a"]


def test_every_migration_from_now_on_has_a_number_of_its_own() -> None:
    """Some of the first share one: applied by name, they cannot be renamed any more."""
    numbers = [migration.name.split("_")[0] for migration in available() if migration.name >= "0023"]
    assert numbers == [f"{number:04}" for number in range(23, 23 + len(numbers))]
