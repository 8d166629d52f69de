"""Every table with dates in it has a rule; and rules at work for three years leave nothing older than they say."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest

from privacy.retention import stores
from privacy.retention.execution import run
from privacy.retention.files import FILE_STORES
from privacy.retention.policies import policies
from privacy.retention.stores import STORES, Method, Store, by_name
from tests.privacy.retention.world import (
    NOW,
    Columns,
    Event,
    filler,
    make_dbt_tables,
    needed_columns,
    oldest,
    put_events,
    tokens,
)
from warehouse.database import ADMIN, Database
from warehouse.subjects import SUBJECT_TABLES

pytestmark = pytest.mark.integration


def test_every_store_is_named_once() -> None:
    assert len(by_name()) == len(STORES)


def test_every_table_with_dates_has_a_rule_that_works(database: Database) -> None:
    with database.connect("erasure") as conn:
        assert stores.uncovered(conn) == []
        assert stores.misnamed(conn) == []
        assert {store.policy for store in (*STORES, *FILE_STORES)} <= set(policies(conn))


def test_a_new_table_without_a_rule_is_caught_and_the_rest_is_deleted(database: Database) -> None:
    put_events(database, [Event("old", (NOW - timedelta(days=99)).date())])
    with database.connect(ADMIN) as conn:
        conn.execute("create table ml.forgotten (note text, seen_at timestamptz)")
        conn.execute("create schema archive")
        conn.execute("create table archive.days (day date) partition by range (day)")
    with database.connect("erasure") as conn:
        report = run(conn, None, tokens, NOW)
    assert {"archive.days", "ml.forgotten"} <= set(report.uncovered)
    assert sum(report.partitions.values()) + sum(line.n for line in report.lines if "system_logs" in line.store) == 1


def test_a_rule_for_a_column_that_is_not_there_is_caught(database: Database) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute("alter table raw.quarantine rename column quarantined_at to kept_at")
    with database.connect("erasure") as conn:
        assert stores.misnamed(conn) == ["raw.quarantine.quarantined_at"]
        assert "raw.quarantine" not in {store.table for store in stores.present(conn)}


def test_stores_with_people_are_those_of_the_subject_registry() -> None:
    tables = {row.table for row in SUBJECT_TABLES if row.key in ("raw", "keyed")}
    assert {store.table for store in STORES if store.subject} == tables & set(by_name())


# Written with the events themselves.
BY_EVENTS = ("raw.system_logs", "raw.event_keys", "raw.event_days", "safe.pseudonymous_events", "safe.event_days")


def deletable(conn_stores: list[Store]) -> list[Store]:
    return [s for s in conn_stores if s.method not in (Method.KEPT, Method.FOLLOWS)]


def test_three_years_of_months_leave_no_row_of_any_store_older_than_its_term_and_a_day(database: Database) -> None:
    make_dbt_tables(database, STORES)
    make_model(database, "marts.mart_new", "month_on date, subject text")
    with database.connect(ADMIN) as conn:
        needed = needed_columns(conn)
    with database.connect("erasure") as conn:
        conn.execute("set synchronous_commit = off")
        terms = {name: policy.days or 0 for name, policy in policies(conn).items()}
        there = deletable(stores.present(conn))
        policy_of = {store.table: store.policy for store in there}
        conn.commit()
        generic = [s for s in there if s.table not in (*BY_EVENTS, "privacy.retention_changes")]
        seen: set[str] = set()
        for month in range(37):
            now = NOW + timedelta(days=30 * month)
            fill_a_month(database, generic, now, needed)
            seen |= {s.table for s, day in oldest(database, there).items() if day}
            run(conn, None, tokens, now)
            ages = {s.table: (now.date() - day).days for s, day in oldest(database, there).items() if day}
            logs = ages.pop(stores.EVENTS), ages.pop("raw.event_keys")
            assert {t for t, age in ages.items() if age > terms[policy_of[t]] + 1} == set()
            assert {kind for kind, age in ages_of_events(conn, now).items() if age > terms[kind] + 1} == set()
            assert max(logs) <= terms["security_logs"] + 1
        assert seen == {s.table for s in there}  # none passes because it was empty
        assert {s.table for s in generic} <= set(ages)  # each had rows to the end
        assert set(ages_of_events(conn, now)) == {"raw_events", *stores.LOGS}
        later = now + timedelta(days=max(terms.values()) + 1)
        run(conn, None, tokens, later)
    left = {s.table for s, day in oldest(database, there).items() if day}
    assert left == {"privacy.retention_runs"}  # what the last run wrote down


def ages_of_events(conn: psycopg.Connection, now: datetime) -> dict[str, int]:
    """Days since the oldest event of each kind, said without retention's own conditions."""
    kinds = "case event_type when 'security' then 'security_logs' when 'api' then 'api_logs' when 'system' then"
    query = f"select {kinds} 'error_logs' else 'raw_events' end, min(event_day) from raw.system_logs group by 1"
    found = conn.execute(query.encode()).fetchall()
    conn.rollback()
    return {kind: (now.date() - day).days for kind, day in found}


def make_model(database: Database, table: str, columns: str, purpose: str = "analytics") -> None:
    """A table of a dbt model that no line of the registry names, declared as dbt declares it."""
    with database.connect("dbt") as conn:
        conn.execute("create table if not exists staging.model_purposes (table_name text primary key, purpose text)")
        conn.execute("insert into staging.model_purposes values (%s, %s)", (table, purpose))
        conn.execute(f"create table {table} ({columns})".encode())


def test_a_dbt_model_takes_the_term_of_its_layer_and_another_table_there_is_caught(database: Database) -> None:
    make_model(database, "features.ftr_new", "subject text, built_at timestamptz, cutoff_on date")
    make_model(database, "aggregates.agg_new", "event_day date, n int")
    with database.connect("dbt") as conn:
        conn.execute("create table aggregates.agg_by_hand (event_day date)")
    with database.connect("erasure") as conn:
        found = {store.table: store for store in stores.present(conn)}
        assert stores.uncovered(conn) == ["aggregates.agg_by_hand"]
    feature, aggregate = found["features.ftr_new"], found["aggregates.agg_new"]
    assert (feature.column, feature.policy, feature.purpose) == ("cutoff_on", "ml_training_data", "analytics")
    assert (aggregate.column, aggregate.policy, aggregate.purpose) == ("event_day", "aggregates", None)


def fill_a_month(database: Database, generic: list[Store], now: datetime, needed: Columns) -> None:
    """A row of now in every store, and events of now and of 29 days ago."""
    days = (now.date(), now.date() - timedelta(days=29))
    terms = ("transient", "long_term")
    kinds = (("ai", "a"), ("api", "call"), ("system", "error"), ("security", "login"))
    put_events(
        database,
        [
            Event(f"{day} {term} {kind}", day, term=term, event_type=kind, action=action)
            for day in days for kind, action in kinds for term in (terms if kind == "ai" else terms[1:])
        ],
    )  # fmt: skip
    with database.connect(ADMIN) as conn:
        conn.execute("set timezone = 'UTC'; set synchronous_commit = off")
        for store in reversed(generic):  # parents first
            filler(conn, store, now, needed)
