"""Who is affected: by the table itself, by what it is made from, through pseudonyms, and by an access log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

import psycopg
import pytest

from ml.training_sets import blind, set_key
from privacy.breaches.affected import (
    Resolver,
    blinded,
    count,
    identify,
    sources,
)
from privacy.breaches.errors import UnknownTableError
from privacy.breaches.register import MarkedTable
from warehouse.database import Database

LINEAGE = {
    "aggregates.agg_company_day": ["staging.stg_personalization_events"],
    "marts.board": ["aggregates.agg_company_day", "aggregates.agg_user_day"],
    "marts.circle": ["marts.circle"],
}
KEY = b"k" * 32
DAYS = (date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 3))


def token(user: str) -> str:
    return "u_" + hashlib.sha256(user.encode()).hexdigest()[:8]


def tokens(users: Sequence[str]) -> Mapping[str, str]:
    return {user: token(user) for user in users}


RESOLVER = Resolver(tokens, KEY)


def test_a_table_leads_to_the_nearest_tables_that_name_people() -> None:
    def names(table: str) -> list[str]:
        return [source.table for source in sources(table, LINEAGE)]

    assert names("raw.system_logs") == ["raw.system_logs"]
    assert names("safe.anonymous_events") == ["raw.system_logs"]
    assert names("aggregates.agg_company_day") == ["staging.stg_personalization_events"]
    assert names("marts.board") == ["aggregates.agg_user_day", "staging.stg_personalization_events"]
    assert names("ml.training_sets") == ["ml.training_subjects"]
    assert names("raw.quarantine") == names("marts.circle") == []


def test_blinding_is_that_of_the_training_sets() -> None:
    assert blinded("u_1", "set", KEY) == blind(["u_1"], set_key(KEY, "set"))[0]


@pytest.fixture
def filled(database: Database) -> Database:
    """u1 on three days, u2 on the first, u3 known by consent only; a pseudonym of nobody; u3 in a training set."""
    with database.connect("collection") as conn:
        conn.execute("select raw.ensure_partitions(%s, %s)", (DAYS[0], DAYS[-1]))
        for user, day in [("u1", DAYS[0]), ("u1", DAYS[1]), ("u1", DAYS[2]), ("u2", DAYS[0]), (None, DAYS[0])]:
            at = datetime.combine(day, time(9), UTC)
            conn.execute(
                "insert into raw.system_logs (id, user_id, event_type, event_source, action, data_classification, "
                "retention_policy, created_at, received_at, source, fingerprint, event_day) "
                "values ('e', %s, 't', 's', 'a', 'personal', 'long_term', %s, %s, 's', 'f', %s)",
                (user, at, at, day),
            )
    with database.connect("erasure") as conn:
        conn.execute(
            "insert into consent.consent_events (subject, purpose, decision, decided_at, received_at, source, method, "
            "fingerprint) values ('u3', 'analytics', 'grant', now(), now(), 's', 'api', 'f')"
        )
        for who in (token("u1"), token("u3"), "u_gone"):
            conn.execute(
                "insert into ml.predictions values ('m', 1, %s, %s, 0.5, 'published', %s)",
                (DAYS[0], who, datetime.combine(DAYS[0], time(9), UTC)),
            )
        conn.execute("insert into ml.training_sets values ('set', 'd', '{}', 1, 1, now())")
        conn.execute("insert into ml.training_subjects values ('set', %s)", (blinded(token("u3"), "set", KEY),))
    return database


@pytest.mark.integration
def test_people_are_counted_by_table_and_day(filled: Database) -> None:
    marked = [
        MarkedTable("raw.system_logs"),
        MarkedTable("safe.anonymous_events", DAYS[1], DAYS[1]),
        MarkedTable("raw.quarantine"),
    ]
    with filled.connect("erasure") as conn:
        found = count(conn, marked, LINEAGE)
    assert [(f.table, f.n_rows, f.n_subjects, f.is_by_lineage) for f in found.found] == [
        ("raw.system_logs", 4, 2, False),
        ("raw.system_logs", 1, 1, True),
    ]
    assert found.nameless == ("raw.quarantine",)
    assert found.n_people is None


@pytest.mark.integration
def test_one_person_counts_once_whatever_key_names_them(filled: Database) -> None:
    marked = [MarkedTable("raw.system_logs"), MarkedTable("ml.predictions"), MarkedTable("ml.training_sets")]
    with filled.connect("erasure") as conn:
        found = identify(conn, marked, LINEAGE, RESOLVER)
        assert (found.user_ids, found.n_people, found.n_unidentified) == (("u1", "u2", "u3"), 3, 1)
        only = identify(conn, [MarkedTable("ml.training_subjects")], LINEAGE, RESOLVER)
        assert only.user_ids == ("u3",)
        other = identify(conn, [MarkedTable("ml.training_subjects")], LINEAGE, Resolver(tokens, b"x" * 32))
        assert (other.user_ids, other.n_unidentified) == ((), 1)
    assert "u1" not in repr(found)


@pytest.mark.integration
def test_an_access_log_narrows_who_is_affected(filled: Database) -> None:
    with filled.connect("erasure") as conn:
        found = identify(conn, [MarkedTable("raw.system_logs")], LINEAGE, RESOLVER, seen={"u2", "u3"}.__contains__)
    assert found.user_ids == ("u2",)


@pytest.mark.integration
@pytest.mark.parametrize("table", ["raw.nothing", "pg_class", 'raw.system_logs"; drop table raw.imports; --'])
def test_a_table_that_is_not_there_is_refused(database: Database, table: str) -> None:
    with database.connect("erasure") as conn, pytest.raises((UnknownTableError, psycopg.errors.Error)):
        count(conn, [MarkedTable(table)], {})
