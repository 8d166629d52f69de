"""What a build makes of literal events, who can read it, and what a second build touches."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest

from tests.dbt_project.conftest import SPINE, TABLES, Event, Project
from tests.privacy.test_grants import FORBIDDEN, readable

pytestmark = pytest.mark.integration


def daily(subject: str, first: str, n_days: int, every: int = 1) -> list[Event]:
    """An event at noon every `every` days."""
    days = [date.fromisoformat(first) + timedelta(days=i) for i in range(0, n_days, every)]
    return [Event(f"{subject}{day}", subject, f"{day} 12:00") for day in days]


def test_unit_tests_and_documentation(project: Project) -> None:
    project.build("--exclude-resource-type", "test")
    assert project.run("test", "--select", "test_type:unit"), project.output.read_text()
    assert project.run("docs", "generate")
    assert (project.target / "catalog.json").exists()


def test_only_consented_events_of_somebody_become_features(project: Project) -> None:
    project.replace_days(
        [
            *daily("agreed", "2024-01-01", 10),
            *(Event(f"x{e.event_id}", "refused", e.at, purposes=("analytics",)) for e in daily("r", "2024-01-01", 10)),
            Event("nobody", None, "2024-01-02 12:00"),
        ]
    )
    project.build(*SPINE)
    assert project.rows("select distinct subject from features.ftr_user_weekly") == [("agreed",)]
    assert project.rows("select sum(n_events) from aggregates.agg_user_day") == [(10,)]


def test_sessions_follow_late_and_removed_events_across_midnight(project: Project) -> None:
    evening, noon = Event("a", "s", "2024-01-01 23:40"), Event("c", "s", "2024-01-02 12:00")
    early, late = Event("b", "s", "2024-01-02 00:20"), Event("late", "s", "2024-01-01 23:55")

    def sessions(*changed: Event, day: str) -> list[tuple[object, ...]]:
        project.replace_days(changed, days=[date.fromisoformat(day)])
        project.build(*SPINE)
        return project.rows("select n_days, n_events from sessions.ses_sessions order by started_at")

    project.replace_days([evening])
    assert sessions(early, noon, day="2024-01-02") == [(1, 1), (1, 1), (1, 1)]
    assert sessions(evening, late, day="2024-01-01") == [(2, 3), (1, 1)], "a late evening event joins the morning"
    assert sessions(noon, day="2024-01-02") == [(1, 2), (1, 1)], "a removed morning event leaves the evening"
    assert sessions(early, noon, day="2024-01-02") == [(2, 3), (1, 1)], "a late morning event joins the evening"
    assert sessions(evening, day="2024-01-01") == [(1, 1), (1, 1), (1, 1)], "a removed evening event splits"
    assert sessions(day="2024-01-02") == [(1, 1)]


def test_ml_reads_features_and_nothing_else_after_every_build(project: Project) -> None:
    project.replace_days(daily("s", "2024-01-01", 40))
    for arguments in ((), ("--full-refresh",)):
        project.build(*SPINE, *arguments)
        with project.database.connect("ml", autocommit=True) as conn:
            assert conn.execute("select count(*) from features.ftr_user_weekly").fetchone() == (5,)
            assert conn.execute("select count(*) from features.lbl_user_churn").fetchone() == (1,)
            for table in (*TABLES[:4], "staging.stg_training_events", "staging.model_days"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(f"select 1 from {table}".encode())
        assert {stage: readable(project.database, stage) for stage in FORBIDDEN} == {stage: [] for stage in FORBIDDEN}


def test_features_do_not_see_the_cutoff_or_what_follows(project: Project) -> None:
    past = daily("s", "2024-01-01", 14, every=2) + daily("t", "2024-01-02", 13)
    project.replace_days(past)
    project.build(*SPINE)
    query = "select * from features.ftr_user_weekly where cutoff_on <= '2024-01-15' order by 1, 2"
    before = project.rows(query)
    future = [
        Event(f"{subject}{at}", subject, at, company="later", action="deploy", component="q", data='{"n_files": 99}')
        for subject in ("s", "t", "new")
        for at in ("2024-01-15 00:00", "2024-01-15 00:10", "2024-01-20 03:00", "2024-06-01 12:00")
    ]
    project.replace_days(future)
    project.build(*SPINE, "--full-refresh")
    assert project.rows(query) == before
    assert len(before) == 4


def transactions(project: Project) -> dict[str, dict[object, object]]:
    """Per features table: cutoff -> the transaction that wrote its row (of the only subject)."""
    tables = ("ftr_user_weekly", "lbl_user_churn")
    found = {t: project.rows(f"select cutoff_on, xmin::text from features.{t}") for t in tables}
    return {t: {row[0]: row[1] for row in rows} for t, rows in found.items()}


def test_a_new_day_touches_the_newest_cutoff_only(project: Project) -> None:
    project.replace_days(daily("s", "2024-01-01", 70))
    project.build(*SPINE)
    before = transactions(project)
    project.replace_days(daily("s", "2024-03-11", 1))
    project.build(*SPINE)
    after = transactions(project)
    assert date(2024, 3, 11) in before["ftr_user_weekly"]
    assert before["ftr_user_weekly"] == after["ftr_user_weekly"]
    assert before["lbl_user_churn"] == after["lbl_user_churn"]

    project.replace_days(daily("s", "2024-03-12", 6))
    project.build(*SPINE)
    last = transactions(project)
    assert set(last["ftr_user_weekly"]) - set(after["ftr_user_weekly"]) == {date(2024, 3, 18)}
    assert {c: x for c, x in last["ftr_user_weekly"].items() if c != date(2024, 3, 18)} == after["ftr_user_weekly"]
    assert set(last["lbl_user_churn"]) - set(after["lbl_user_churn"]) == {date(2024, 2, 19)}


def test_labels_wait_for_the_horizon(project: Project) -> None:
    project.replace_days([*daily("s", "2024-01-01", 1), *daily("t", "2024-01-01", 34)])
    project.build(*SPINE)
    assert project.rows("select count(*) from features.lbl_user_churn") == [(0,)]
    project.replace_days(daily("t", "2024-02-04", 1))
    project.build(*SPINE)
    labels = "select cutoff_on, subject, is_churned from features.lbl_user_churn order by 2"
    assert project.rows(labels) == [(date(2024, 1, 8), "s", True), (date(2024, 1, 8), "t", False)]


def test_a_fault_is_reported_until_it_is_gone(project: Project) -> None:
    """A failed test leaves its days unverified, so a later build without news still sees the fault."""
    project.replace_days(daily("s", "2024-01-01", 3))
    project.build(*SPINE)
    project.replace_days(daily("s", "2024-01-02", 1))
    project.run("run", *SPINE)
    with project.database.connect("dbt") as conn:
        conn.execute("update aggregates.agg_user_day set n_events = n_events + 1 where event_day = '2024-01-02'")
    for _ in range(2):
        assert not project.run("build", "--exclude-resource-type", "unit_test", *SPINE)
        assert project.statuses()["agg_user_day_sums_to_events"] == "fail"
    with project.database.connect("dbt") as conn:
        conn.execute("update aggregates.agg_user_day set n_events = n_events - 1 where event_day = '2024-01-02'")
    project.build(*SPINE)
    assert project.rows("select count(*) from staging.model_days where not is_verified") == [(0,)]


def test_shared_events_of_too_few_are_refused_on_the_day_that_brings_them(project: Project) -> None:
    """Tests of a view look at days that its reader has yet to read, so at a new one before anything is made of it."""
    shared = ("-s", "stg_shared_events", "mart_cross_company_features")

    def day(date_of: str, n: int) -> list[Event]:
        return [Event(f"{date_of}{i}", f"s{i}", f"{date_of} 12:00", "c", purposes=("sharing",)) for i in range(n)]

    project.replace_days(day("2024-01-01", 5))
    project.build(*shared)
    project.replace_days(day("2024-01-02", 4))
    assert not project.run("build", "--exclude-resource-type", "unit_test", *shared)
    assert project.rows("select distinct event_day from staging.model_days") == [(date(2024, 1, 1),)]
    project.replace_days(day("2024-01-02", 6))
    project.build(*shared)


def test_a_fault_seen_in_a_view_leaves_the_days_of_what_it_reads_unverified(project: Project) -> None:
    """A view has no days of its own, and its tests run with news only: a fault in it is news until it is gone."""
    consents = ("-s", "+agg_web_consent_users")
    build = ("build", "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test", *consents)
    answer = Event("a", "s", "2024-01-01 12:00", action="consent_preferences", data='{"consent_type": "deny_all"}')
    project.replace_days([answer])
    project.run("run", *consents)
    with project.database.connect("dbt") as conn:
        conn.execute("update aggregates.agg_web_consent_log set occurred_at = null")
    for _ in range(2):
        assert not project.run(*build)
        assert project.statuses()["agg_web_consent_users_answer_or_do_not"] == "fail"
    with project.database.connect("dbt") as conn:
        conn.execute("update aggregates.agg_web_consent_log set occurred_at = received_at")
    assert project.run(*build), project.output.read_text()
    assert project.rows("select count(*) from staging.model_days where not is_verified") == [(0,)]


def test_a_repeated_key_is_found_where_no_index_keeps_it_out(project: Project) -> None:
    """A unique index answers for its table, so a table that lost its own is searched."""
    project.replace_days(daily("s", "2024-01-01", 2))
    assert project.run("run", "-s", "+agg_user_day"), project.output.read_text()
    tests = ("test", "-s", "+agg_user_day", "--indirect-selection", "cautious")
    with project.database.connect("dbt") as conn:
        rows = conn.execute(
            "select indexrelid::regclass::text from pg_index"
            " where indrelid = 'aggregates.agg_user_day'::regclass and indisunique"
        ).fetchall()
        for (index,) in rows:
            conn.execute(f"drop index {index}".encode())
        conn.execute("insert into aggregates.agg_user_day select * from aggregates.agg_user_day limit 1")
    assert not project.run(*tests)
    assert project.statuses()["is_key_agg_user_day_subject__event_day"] == "fail"
