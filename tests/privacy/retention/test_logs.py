"""Operational logs keep a term of their own beside raw_events, and a policy without data is refused in the plan."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collection.simulator.kinds import USER_KINDS
from privacy.retention.execution import run
from privacy.retention.planning import plan
from privacy.retention.policies import policies, set_policy
from privacy.retention.stores import ACCOUNTS, LOGS
from privacy.transform import pending_days
from tests.privacy.retention.world import NOW, Event, ago, ids, put_events, tokens
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
KINDS = {"api": ("api", "call"), "error": ("system", "error"), "security": ("security", "login"), "ui": ("ui", "click")}
DAYS = {"api": 90, "error": 180, "security": 365, "ui": 60}


def test_logs_outlive_their_closed_day_until_their_own_term_and_nothing_computes_with_them(database: Database) -> None:
    ages = (0, 59, 60, 61, 89, 90, 91, 179, 180, 181, 364, 365, 366, 500)
    rows = [
        Event(f"{kind}-{age}", ago(age), event_type=KINDS[kind][0], action=KINDS[kind][1])
        for kind in KINDS for age in ages
    ]  # fmt: skip
    put_events(database, [*rows, Event("short", ago(31), term="short_term", event_type="security", action="login")])
    left = {f"{kind}-{age}" for kind in KINDS for age in ages if age <= DAYS[kind]}
    with database.connect("erasure") as conn:
        planned = plan(conn, None, tokens, NOW)
        report = run(conn, None, tokens, NOW)
    assert ids(database) == left  # the event's own class is shorter still
    assert ids(database, "raw.event_keys") == left | {"short"}
    assert sum(line.n for line in planned.lines) == report.n_deleted
    assert set(planned.partitions) == set(report.partitions) == {"system_logs_2025_q1", "system_logs_2025_q3"}
    assert ids(database, "safe.pseudonymous_events", "event_id") == {r.id for r in rows if r.day >= ago(60)} | {"short"}
    with database.connect("privacy") as conn:
        assert min(pending_days(conn)) >= ago(60)
        set_policy(conn, "security_logs", 10, changed_by="officer", reason="test", now=NOW)
    with database.connect("erasure") as conn:
        run(conn, None, tokens, NOW)
    assert not {name for name in ids(database) if name.startswith("security") and name != "security-0"}


def test_a_policy_without_data_is_refused_in_the_plan_and_nothing_else_is(database: Database) -> None:
    with database.connect("erasure") as conn:
        assert plan(conn, None, tokens, NOW).without_store == ()
        known = set(policies(conn))
    assert {*LOGS, *ACCOUNTS} <= known
    with database.connect(ADMIN) as conn:
        conn.execute("alter table privacy.osint_findings rename to osint_profiles")
    with database.connect("erasure") as conn:
        found = plan(conn, None, tokens, NOW)
        assert (found.without_store, found.uncovered) == (("osint_data",), ("privacy.osint_profiles",))
    with database.connect(ADMIN) as conn:
        conn.execute("alter table privacy.osint_profiles rename to osint_findings")
    with database.connect(ADMIN) as conn:  # the day somebody collects it without a rule, the run fails
        conn.execute("create schema osint")
        conn.execute("create table osint.profiles (fetched_at timestamptz)")
    with database.connect("erasure") as conn:
        assert plan(conn, None, tokens, NOW).uncovered == ("osint.profiles",)


def test_the_database_knows_the_logs_that_the_simulator_writes(database: Database) -> None:
    with database.connect("erasure") as conn:
        found = {
            (kind.event_type, kind.action): conn.execute(
                "select raw.log_policy(%s, %s)", (kind.event_type, kind.action)
            ).fetchone()
            for kind in USER_KINDS
        }
    assert found["api", "call"] == ("api_logs",)
    assert found["system", "error"] == ("error_logs",)
    assert found["security", "login"] == ("security_logs",)
    assert {row for row in found.values() if row} == {(None,), *((name,) for name in LOGS)}


def test_a_year_of_security_logs_needs_no_more_than_a_day_of_slack(database: Database) -> None:
    put_events(database, [Event(f"s{n}", ago(n), event_type="security", action="login") for n in (365, 366)])
    with database.connect("erasure") as conn:
        run(conn, None, tokens, NOW)
        assert ids(database) == {"s365"}
        run(conn, None, tokens, NOW + timedelta(days=1))
    assert ids(database) == set()
