"""The table of terms as it is delivered, and changes of it: never without who and why, whatever edits the row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from privacy.retention.errors import InvalidRetentionError, UnknownPolicyError, UnstatedReasonError
from privacy.retention.policies import (
    Policy,
    PropertyRule,
    class_cutoffs,
    cutoff,
    policies,
    property_rules,
    set_policy,
    set_property,
    set_refresh,
)
from privacy.vault.texts import AI_TEXTS
from warehouse.database import ADMIN, Database

NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
# Days of the seeds' table; a year is 365 days, seven years have two leap days.
SEEDS = {
    "raw_events": 60, "aggregates": 2 * 365, "ml_training_data": 365, "api_logs": 90, "error_logs": 180,
    "security_logs": 365, "audit_logs": 7 * 365 + 2, "consent_records": None, "privacy_requests": 3 * 365,
    "osint_data": 90, "inactive_users": 2 * 365, "deleted_accounts": 30, "data_breaches": None,
}  # fmt: skip


def policy(name: str, days: int | None) -> Policy:
    return Policy(name, days, None, "", "o", "r", NOW)


def test_the_first_day_that_stays_is_counted_in_utc() -> None:
    assert cutoff(NOW, 60) == date(2026, 4, 16)
    assert cutoff(datetime(2026, 6, 15, 1, tzinfo=UTC) + timedelta(0), None) is None
    east = datetime.fromisoformat("2026-06-15T01:00:00+02:00")
    assert cutoff(east, 1) == date(2026, 6, 13)


def test_the_shorter_term_wins() -> None:
    known = {
        name: policy(name, days)
        for name, days in {"transient": 1, "short_term": 30, "medium_term": 180, "long_term": None}.items()
    }
    found = class_cutoffs(known, 60, NOW)
    assert {name: (NOW.date() - day).days for name, day in found.items()} == {
        "transient": 1, "short_term": 30, "medium_term": 60, "long_term": 60,
    }  # fmt: skip
    assert set(class_cutoffs(known, None, NOW)) == {"transient", "short_term", "medium_term"}


@pytest.mark.integration
def test_a_new_home_has_the_terms_of_the_table(database: Database) -> None:
    with database.connect("privacy") as conn:
        known = policies(conn)
        rules = property_rules(conn)
    assert {name: known[name].days for name in SEEDS} == SEEDS
    assert known["osint_data"].refresh_days == 30
    texts = {path for rule in AI_TEXTS for path in rule.paths}
    assert {(rule.event_type, rule.path, rule.days) for rule in rules} == {("*", path, 30) for path in texts}


@pytest.mark.integration
def test_a_change_is_written_down(database: Database) -> None:
    with database.connect("privacy") as conn:
        changed = set_policy(conn, "raw_events", 90, changed_by="officer", reason="longer season", now=NOW)
        assert (changed.days, changed.changed_by) == (90, "officer")
        set_policy(conn, "raw_events", None, changed_by="officer", reason="dispute", now=NOW)
        set_property(conn, PropertyRule("ai", "/data/hint", 7), changed_by="officer", reason="hints", now=NOW)
        rows = conn.execute(
            "select rule, old_days, new_days, changed_by, reason from privacy.retention_changes "
            "where changed_by <> 'lethe' order by change_id"
        ).fetchall()
    assert rows == [
        ("raw_events", 60, 90, "officer", "longer season"),
        ("raw_events", 90, None, "officer", "dispute"),
        ("ai /data/hint", None, 7, "officer", "hints"),
    ]


@pytest.mark.integration
def test_how_often_foreign_data_is_looked_for_again_is_an_officers_to_change(database: Database) -> None:
    with database.connect("privacy") as conn:
        changed = set_refresh(conn, "osint_data", 14, changed_by="officer", reason="stale", now=NOW)
        assert (changed.days, changed.refresh_days) == (90, 14)
        row = conn.execute(
            "select rule, old_days, new_days, old_refresh_days, new_refresh_days from privacy.retention_changes "
            "where changed_by = 'officer'"
        ).fetchone()
        assert row == ("osint_data", 90, 90, 30, 14)
        with pytest.raises(InvalidRetentionError, match="what is refreshed is osint_data"):
            set_refresh(conn, "raw_events", 14, changed_by="officer", reason="stale", now=NOW)
        with pytest.raises(InvalidRetentionError, match="always looked for again"):
            set_refresh(conn, "osint_data", None, changed_by="officer", reason="stale", now=NOW)
        with pytest.raises(UnknownPolicyError):
            set_refresh(conn, "osint", 14, changed_by="officer", reason="stale", now=NOW)


@pytest.mark.integration
@pytest.mark.parametrize(
    "statement",
    [
        "update privacy.retention_policies set days = 1 where policy = 'raw_events'",
        "delete from privacy.retention_policies where policy = 'raw_events'",
        "update privacy.retention_changes set reason = 'x'",
        "delete from privacy.retention_changes",
        "truncate privacy.retention_changes",
        "delete from privacy.legal_holds",
        "update privacy.retention_policies set days = 0, changed_at = now()",
        "update privacy.retention_properties set path = '/id', changed_at = now()",
    ],
)
def test_the_server_refuses_silent_changes(database: Database, statement: str) -> None:
    with database.connect(ADMIN) as conn, pytest.raises(psycopg.Error):
        conn.execute(statement.encode())


@pytest.mark.integration
def test_wrong_input_is_refused(database: Database) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(UnknownPolicyError, match="raw_events"):
            set_policy(conn, "raw", 1, changed_by="o", reason="r", now=NOW)
        with pytest.raises(UnstatedReasonError):
            set_policy(conn, "raw_events", 1, changed_by="o", reason=" ", now=NOW)
        with pytest.raises(InvalidRetentionError):
            set_policy(conn, "raw_events", 0, changed_by="o", reason="r", now=NOW)
        for path in ("data/prompt", "/id", "/data", "/data/", "/data//x"):
            with pytest.raises(InvalidRetentionError):
                set_property(conn, PropertyRule("ai", path, 1), changed_by="o", reason="r", now=NOW)
