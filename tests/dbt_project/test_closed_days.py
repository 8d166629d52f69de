"""Days past their retention: a full refresh, which cannot make them again, leaves their rows as they are."""

from __future__ import annotations

from datetime import date

import pytest

from tests.dbt_project.conftest import Event, Project
from tests.dbt_project.histories import some_events
from tests.dbt_project.test_incremental import rewrite, seeded
from warehouse.database import ADMIN

pytestmark = pytest.mark.integration
CLOSED_BEFORE = date(2024, 1, 20)
NEEDED = ("-s", "+lbl_user_churn", "+ftr_user_weekly", "+ses_sessions", "+agg_company_day")
KEPT = (
    "aggregates.agg_user_day",
    "aggregates.agg_user_day_superseded",
    "aggregates.agg_company_day",
    "aggregates.agg_user_fragments",
    "sessions.ses_sessions",
    "features.ftr_user_weekly",
    "features.lbl_user_churn",
)


def close_days(project: Project) -> None:
    """What retention does when events reach their term: they go, with every book that would have them built again."""
    with project.database.connect(ADMIN) as conn:
        for table in ("safe.pseudonymous_events", "safe.event_days", "staging.model_days"):
            conn.execute(f"delete from {table} where event_day < %s".encode(), (CLOSED_BEFORE,))


def build(project: Project, *arguments: str) -> None:
    assert project.run("run", *NEEDED, *arguments), project.output.read_text()


def test_a_full_refresh_keeps_closed_days_and_nothing_else(project: Project) -> None:
    log: list[Event] = some_events(seeded(3), 160, 0, 70)
    rewrite(project, log, {event.occurred_at.date() for event in log})
    build(project)
    close_days(project)
    before = project.contents(KEPT)
    assert project.rows(f"select 1 from aggregates.agg_user_day_superseded where event_day < '{CLOSED_BEFORE}'")
    for _ in range(2):  # the second one finds closed rows that the first put back
        build(project, "--full-refresh")
        assert project.contents(KEPT) == before
    open_day = next(e.occurred_at.date() for e in log if e.occurred_at.date() > CLOSED_BEFORE and e.subject)
    with project.database.connect("privacy") as conn:  # erased to the last event: a day that is gone is no closed day
        conn.execute("delete from safe.pseudonymous_events where event_day = %s", (open_day,))
        conn.execute("delete from safe.event_days where event_day = %s", (open_day,))
    build(project, "--full-refresh")
    assert project.rows(f"select 1 from aggregates.agg_user_day where event_day = '{open_day}'") == []
    assert project.rows(f"select 1 from aggregates.agg_user_day where event_day < '{CLOSED_BEFORE}' limit 1") == [(1,)]
