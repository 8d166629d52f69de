"""Raw days to safe days in a real PostgreSQL: pending days, reconciliation, idempotence, consent and policy changes."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from privacy.classification import load_rules
from privacy.consent import Decision, record_decisions, record_imported_evidence
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.privacy.events import RULES, START, event, rule_rows, store
from warehouse.database import Database

TABLES = ("safe.pseudonymous_events", "safe.anonymous_events", "safe.exclusions", "privacy.unknown_paths")
DAY = timedelta(days=1)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "vault")


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    users = ("u1", "u2", None, "u3")
    data = {"plan": "pro", "email": "ada@example.com", "exts": [".py", ".md"], "status": {"M": 2}, "extra": {"k": 1}}
    return [
        event(n, data, user_id=users[n % 4], created_at=START + n % 3 * DAY + timedelta(minutes=n)) for n in range(60)
    ]


@pytest.fixture
def filled(database: Database, rows: list[dict[str, Any]]) -> Database:
    with database.connect("collection") as conn:
        store(conn, rows)
    with database.connect("privacy") as conn:
        load_rules(conn, rule_rows(), START)
        first = {"u1": START - DAY, "u2": START - DAY}
        record_imported_evidence(conn, first, ["analytics", "sharing"], "test", "contract", START - DAY)
    return database


def contents(conn: psycopg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: conn.execute(f"select * from {table} order by {table.split('.')[1]}::text".encode()).fetchall()
        for table in TABLES
    }


@pytest.mark.integration
def test_days_are_transformed_once_and_reconcile(filled: Database, vault: Vault) -> None:
    with filled.connect("privacy") as conn:
        days = pending_days(conn)
        report = transform_days(conn, days, vault)
        assert [day.isoformat() for day in days] == ["2024-03-01", "2024-03-02", "2024-03-03"]
        assert (report.n_in, report.n_kept, report.exclusions["no_consent"]) == (60, 45, 15)
        assert (report.n_pseudonymous, report.n_anonymous, report.n_unknown_paths) == (
            45,
            0,
            1,
        )  # three people are no crowd
        assert pending_days(conn) == []
        unaccounted = (
            "select count(*) from safe.event_days where n_in <> n_kept + (select sum(n) from safe.exclusions e "
        )
        unaccounted += "where e.event_day = event_days.event_day and reason = 'no_consent')"
        assert conn.execute(unaccounted.encode()).fetchone() == (0,)
        purposes = conn.execute("select distinct subject is null, purposes from safe.pseudonymous_events order by 1")
        assert purposes.fetchall() == [
            (False, ["analytics", "sharing"]),
            (True, ["analytics", "model_training", "personalization", "sharing"]),
        ]


@pytest.mark.integration
def test_transforming_twice_equals_once(filled: Database, vault: Vault) -> None:
    with filled.connect("privacy") as conn:
        days = pending_days(conn)
        transform_days(conn, days, vault)
        once = contents(conn)
        transform_days(conn, random.sample(days, len(days)), vault)
        assert contents(conn) == once


@pytest.mark.integration
def test_a_withdrawal_removes_the_subject_from_its_days_only(filled: Database, vault: Vault) -> None:
    with filled.connect("collection") as conn:
        store(conn, [event(900, {}, user_id="u2", created_at=START + 9 * DAY)])
    with filled.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), vault)
        gone = Decision("u1", "analytics", "withdraw", START + DAY, START + DAY, "portal", "save")
        assert record_decisions(conn, [gone]) == 1
        assert [day.day for day in pending_days(conn)] == [1, 2, 3]
        report = transform_days(conn, pending_days(conn), vault)
        assert report.n_pseudonymous == 30
        assert pending_days(conn) == []


@pytest.mark.integration
def test_a_changed_rule_makes_every_day_pending_and_a_changed_reason_none(filled: Database, vault: Vault) -> None:
    with filled.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), vault)
        load_rules(conn, [row | {"reason": "better words"} for row in rule_rows()], START)
        assert pending_days(conn) == []
        load_rules(conn, rule_rows([("page", "/data/extra/k", "non_personal", "count"), *RULES]), START)
        assert len(pending_days(conn)) == 3
        assert transform_days(conn, pending_days(conn), vault).n_unknown_paths == 0


@pytest.mark.integration
def test_a_new_day_with_its_evidence_leaves_the_others_alone(filled: Database, vault: Vault) -> None:
    """A file a day states the same basis a day: only the new day is transformed, or cost would follow the history."""
    with filled.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), vault)
    later = START + 9 * DAY
    with filled.connect("collection") as conn:
        store(conn, [event(100 + n, {"plan": "pro"}, user_id=f"u{n}", created_at=later) for n in (1, 2, 7)])
    with filled.connect("privacy") as conn:
        first = {"u1": later, "u2": later, "u7": later}
        assert record_imported_evidence(conn, first, ["analytics", "sharing"], "test", "contract", later) == 2
        assert pending_days(conn) == [later.date()]
        assert transform_days(conn, pending_days(conn), vault).n_pseudonymous == 3


@pytest.mark.integration
def test_evidence_for_earlier_events_is_recorded(filled: Database) -> None:
    """An older file imported later: the grant on record begins after its events, so it does not cover them."""
    with filled.connect("privacy") as conn:
        first = {"u1": START - 5 * DAY}
        assert record_imported_evidence(conn, first, ["analytics"], "test", "contract", START) == 1


@pytest.mark.integration
def test_what_a_source_got_before_the_consent_was_known_counts_as_of_the_import(
    database: Database, vault: Vault
) -> None:
    """The receipt that a source states says what features may know; consent goes by when Lethe took the event in."""
    later = START + 9 * DAY
    rows = [event(1, imported_at=later), event(2, imported_at=later - 2 * DAY), event(3)]
    with database.connect("collection") as conn:
        store(conn, rows)
    with database.connect("privacy") as conn:
        load_rules(conn, rule_rows(), START)
        record_imported_evidence(conn, {"u1": START - DAY}, ["analytics"], "test", "contract", later - DAY)
        report = transform_days(conn, pending_days(conn), vault)
        assert (report.n_pseudonymous, report.exclusions["no_consent"]) == (1, 2)
        assert conn.execute("select received_at from safe.pseudonymous_events").fetchall() == [(rows[0]["created_at"],)]
