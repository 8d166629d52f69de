"""Who looked: every read of the façade is kept before it is answered, nobody rewrites it, and breaches are narrowed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from privacy.access_log import PRODUCT, Reader, UnboundedLookError, record, seen_by
from privacy.requests.desk import blinded
from privacy.service import PrivacyService
from privacy.vault import Vault
from tests.privacy.looks import looks, refuse_entries
from tests.privacy.test_receipts import CONTROLLER
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANNA = Reader("anna", "a call", "privacy consent show")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "vault")


@pytest.fixture
def service(database: Database, vault: Vault) -> PrivacyService:
    return PrivacyService(lambda: database.connect("privacy"), vault, lambda: NOW)


def test_every_read_is_kept_and_one_that_cannot_be_is_not_answered(
    service: PrivacyService, database: Database, vault: Vault
) -> None:
    service.update_consent("u1", {"analytics": True}, source="portal")
    service.signal_gpc("u1", source="browser")  # the person's own signal: nobody looks
    service.get_consent("u1", ANNA)
    service.history("u1")
    service.receipt("u1", CONTROLLER)
    who = blinded(vault, "u1")
    assert looks(database) == [
        ("anna", "privacy consent show", who, 7),
        (PRODUCT.actor, PRODUCT.command, who, 3),
        (PRODUCT.actor, PRODUCT.command, who, 3),
    ]
    refuse_entries(database)
    for read in (service.get_consent, service.history, lambda user: service.receipt(user, CONTROLLER)):
        with pytest.raises(psycopg.errors.RaiseException):
            read("u1")


def test_nobody_rewrites_it_and_only_retention_deletes(database: Database, vault: Vault) -> None:
    with database.connect("privacy") as conn:
        record(conn, vault, ANNA, at=NOW, place="t", n_rows=1, subject="u1")
    for stage, query in (
        ("privacy", "update privacy.access_log set actor = 'x'"),
        ("privacy", "delete from privacy.access_log"),
        ("erasure", "update privacy.access_log set actor = 'x'"),
        (ADMIN, "truncate privacy.access_log"),
    ):
        with database.connect(stage) as conn, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            conn.execute(query.encode())
    with database.connect("erasure") as conn:
        row = conn.execute("select database_role from privacy.access_log").fetchone()
        conn.execute("delete from privacy.access_log")
    assert row == (database.role("privacy"),)


@pytest.mark.parametrize("reader", [Reader(" ", "p", "c"), Reader("a", "", "c"), Reader("a", "p", " ")])
def test_a_reader_without_a_name_purpose_or_command_reads_nothing(
    database: Database, vault: Vault, reader: Reader
) -> None:
    with database.connect("privacy") as conn, pytest.raises(psycopg.errors.CheckViolation):
        record(conn, vault, reader, at=NOW, place="t", n_rows=1, subject="u1")


def test_a_breach_is_narrowed_to_whom_somebody_looked_at(database: Database, vault: Vault) -> None:
    day = timedelta(days=1)
    with database.connect("privacy") as conn:
        for user, at, reader in (("u1", NOW, ANNA), ("u2", NOW - day, ANNA), ("u3", NOW, PRODUCT)):
            record(conn, vault, reader, at=at, place="t", n_rows=1, subject=user)
        seen = seen_by(conn, vault, "anna", NOW, NOW + day)
        assert [user for user in ("u1", "u2", "u3") if seen(user)] == ["u1"]
        record(conn, vault, ANNA, at=NOW, place="t", n_rows=9, subject=None)
        with pytest.raises(UnboundedLookError, match="many people at once"):
            seen_by(conn, vault, "anna", NOW, NOW + day)
