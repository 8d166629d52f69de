"""The law of incremental models: any history of arrivals, removals and kills ends in the tables of a full refresh."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date, timedelta
from random import Random

import pytest

from tests.dbt_project.conftest import SPINE, TABLES, Event, Project
from tests.dbt_project.histories import START, Maker, change, events_of_every_kind, some_events

pytestmark = pytest.mark.integration

# A view of the server's own bookkeeping of sizes and a table of what was released: they follow no event.
NO_HISTORY = {"marts.mart_storage_cost", "marts.mart_released_use"}
WITH_NEWS = {"agg_analytics_users"}


def seeded(seed: int) -> Random:
    """A repeatable history."""
    return Random(seed)  # noqa: S311


def rewrite(project: Project, events: list[Event], days: set[date]) -> None:
    """Rewrite whole days from what is left of the log."""
    project.replace_days([e for e in events if e.occurred_at.date() in days], days=days)


def run(project: Project, *arguments: str) -> None:
    """Build without any test."""
    project.build("--exclude-resource-type", "test", *arguments)


def read_days(project: Project) -> list[tuple[object, ...]]:
    """Which version of which upstream day was built. A model's own news, for whoever reads it, follows the history."""
    return [day[:3] if day[1] in WITH_NEWS else day for day in project.built_days() if day[0] != day[1]]


def test_any_history_of_any_events_equals_a_full_refresh(project: Project) -> None:
    """Every table and view below staging, from the manifest; the data tests run over the end of the history."""
    chance = seeded(1)
    log = events_of_every_kind(chance, 300, 0, 20)
    rewrite(project, log, {e.occurred_at.date() for e in log})
    run(project)
    order = chance.sample(range(1, 6), 5)
    for steps in (order[:2], order[2:]):
        for step in steps:
            log, days = change(chance, log, step, events_of_every_kind)
            rewrite(project, log, days)
        run(project)
    tables = [table for table in project.models() if table not in NO_HISTORY]
    contents, days_built = project.contents(tables), read_days(project)
    assert [table for table in tables if not contents[table]] == [], "no event of this history reaches these"
    project.build("--full-refresh")
    anew = project.contents(tables)
    assert [table for table in tables if anew[table] != contents[table]] == []
    assert read_days(project) == days_built


def test_any_history_of_sessions_and_features_equals_a_full_refresh(project: Project) -> None:
    """The tables of the churn model, on histories dense around midnights, with the data tests of every step."""
    chance = seeded(2)
    log = some_events(chance, 150, 0, 20)
    rewrite(project, log, {e.occurred_at.date() for e in log})
    project.build(*SPINE)
    for step in range(1, 6):
        log, days = change(chance, log, step)
        rewrite(project, log, days)
        project.build(*SPINE)
    contents, days_built = project.contents(), project.built_days()
    assert all(contents.values())
    project.build("--full-refresh", *SPINE)
    assert project.contents() == contents
    assert project.built_days() == days_built


def test_the_last_days_can_vanish(project: Project) -> None:
    log = some_events(seeded(5), 120, 0, 100)
    rewrite(project, log, {e.occurred_at.date() for e in log})
    run(project, *SPINE)
    for keep in (60, 0):
        kept = [e for e in log if e.occurred_at.date() < (START + timedelta(days=keep)).date()]
        rewrite(project, kept, {e.occurred_at.date() for e in log if e not in kept})
        run(project, *SPINE)
        contents = project.contents()
        run(project, "--full-refresh", *SPINE)
        assert project.contents() == contents
        assert any(contents.values()) == bool(kept)


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("table", "selection", "some"),
    [
        ("agg_user_day", SPINE, some_events),
        ("ses_sessions", SPINE, some_events),
        ("ftr_user_weekly", SPINE, some_events),
        ("agg_analytics_users", (), events_of_every_kind),  # of all models: it makes days of others dirty
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_killed_build_leaves_no_trace_and_is_repeated(
    project: Project, table: str, selection: tuple[str, ...], some: Maker
) -> None:
    """Stop dbt in a model's post-hook, after its rows and before its state, then kill it with signal 9."""
    log = some(seeded(7), 80, 0, 60)
    rewrite(project, log, {e.occurred_at.date() for e in log})
    run(project, *selection)
    tables = TABLES if selection else [table for table in project.models() if table not in NO_HISTORY]
    before, days_before = project.contents(tables), project.built_days()
    log += some(seeded(8), 40, 30, 80)
    rewrite(project, log, {e.occurred_at.date() for e in log})

    _kill_in_post_hook(project, table, selection)
    # Views that stand on a view which was made anew are gone until the build is repeated; tables are not.
    (own,) = [name for name in tables if name.endswith(f".{table}")]
    assert project.contents([own])[own] == before[own]
    assert [d for d in project.built_days() if d[0] == table] == [d for d in days_before if d[0] == table]

    run(project, *selection)
    repeated = project.contents(tables)
    assert repeated != before
    run(project, "--full-refresh", *selection)
    anew = project.contents(tables)
    assert [name for name in tables if anew[name] != repeated[name]] == []


def _kill_in_post_hook(project: Project, table: str, selection: tuple[str, ...]) -> None:
    """A trigger holds the model's own state rows back until the client is dead; then the lock is let go."""
    with project.database.connect("admin") as conn:
        conn.execute(
            "create function public.hold() returns trigger language plpgsql as $$ begin"
            f" if new.model = '{table}' then perform pg_advisory_xact_lock(42); end if; return new; end $$".encode()
        )
        conn.execute(
            "create trigger hold before insert on staging.model_days for each row execute function public.hold()"
        )
    with project.database.connect("admin") as conn:
        conn.execute("select pg_advisory_lock(42)")
        build = subprocess.Popen(
            [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *project.arguments("run", *selection)],
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted and objid = 42"
        deadline = time.monotonic() + 120
        while conn.execute(waiting).fetchone() == (0,) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert conn.execute(waiting).fetchone() == (1,)
        build.kill()
        build.wait()
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and usename = %s",
            (project.database.role("dbt"),),
        )
    with project.database.connect("admin") as conn:
        conn.execute("drop trigger hold on staging.model_days")
