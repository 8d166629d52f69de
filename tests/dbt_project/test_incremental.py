"""The law of incremental models: any history of arrivals, removals and kills ends in the tables of a full refresh."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from random import Random

import pytest

from tests.dbt_project.conftest import Event, Project

pytestmark = pytest.mark.integration

START = datetime(2023, 12, 20)


def seeded(seed: int) -> Random:
    """A repeatable history."""
    return Random(seed)  # noqa: S311


def some_events(chance: Random, n: int, first_day: int, last_day: int) -> list[Event]:
    """Events of few subjects, dense around midnights so that sessions join and split."""
    found = []
    for _ in range(n):
        day = chance.randint(first_day, last_day)
        minute = chance.choice([chance.randint(0, 1439), chance.randint(1415, 1439), chance.randint(0, 25)])
        at = START + timedelta(days=day, minutes=minute)
        found.append(
            Event(
                event_id=f"{chance.getrandbits(64):x}",
                subject=chance.choice(["s", "t", "u", None]),
                at=at.strftime("%Y-%m-%d %H:%M"),
                received=(at + timedelta(hours=chance.choice([0, 0, 0, 20, 200]))).strftime("%Y-%m-%d %H:%M"),
                company=chance.choice([None, "c", "d"]),
                component=chance.choice([None, "p", "q"]),
                action=chance.choice(["commit", "merge", "error"]),
                data=chance.choice(["{}", '{"n_files": 7}', '{"latency_ms": 0.1, "rating": 4.3}', '{"is_bot": true}']),
                purposes=chance.choice([("personalization", "model_training"), ("model_training",), ("analytics",)]),
            )
        )
    return found


def rewrite(project: Project, events: list[Event], days: set[date]) -> None:
    """Rewrite whole days from what is left of the log."""
    project.replace_days([e for e in events if e.occurred_at.date() in days], days=days)


def change(chance: Random, log: list[Event], step: int) -> tuple[list[Event], set[date]]:
    """One arrival, late arrival or erasure: the new log and the days it touches."""
    if step % 3 == 2:
        subject = chance.choice(["s", "t"])
        gone = [e for e in log if e.subject == subject and chance.random() < 0.7]
        return [e for e in log if e not in gone], {e.occurred_at.date() for e in gone}
    late = step % 3 == 1
    new = some_events(chance, 12, 0 if late else 30 * step, 20 if late else 30 * step + 20)
    return log + new, {e.occurred_at.date() for e in new}


@pytest.mark.parametrize("seed", [1, 2])
def test_any_history_of_changes_equals_a_full_refresh(project: Project, seed: int) -> None:
    chance = seeded(seed)
    log = some_events(chance, 150, 0, 20)
    rewrite(project, log, {e.occurred_at.date() for e in log})
    project.build()
    for step in range(1, 6):
        log, days = change(chance, log, step)
        rewrite(project, log, days)
        project.build()
    contents, days_built = project.contents(), project.built_days()
    assert all(contents.values())
    project.build("--full-refresh")
    assert project.contents() == contents
    assert project.built_days() == days_built


def test_the_last_days_can_vanish(project: Project) -> None:
    log = some_events(seeded(5), 120, 0, 100)
    rewrite(project, log, {e.occurred_at.date() for e in log})
    project.build()
    for keep in (60, 0):
        kept = [e for e in log if e.occurred_at.date() < (START + timedelta(days=keep)).date()]
        rewrite(project, kept, {e.occurred_at.date() for e in log if e not in kept})
        project.build()
        contents = project.contents()
        project.build("--full-refresh")
        assert project.contents() == contents
        assert any(contents.values()) == bool(kept)


@pytest.mark.parametrize("table", ["agg_user_day", "ses_sessions", "ftr_user_weekly"])
def test_a_killed_build_leaves_no_trace_and_is_repeated(project: Project, table: str) -> None:
    """Stop dbt in a model's post-hook, after its rows and before its state, then kill it with signal 9."""
    log = some_events(seeded(7), 80, 0, 60)
    rewrite(project, log, {e.occurred_at.date() for e in log})
    project.build()
    before, days_before = project.contents(), project.built_days()
    log += some_events(seeded(8), 40, 30, 80)
    rewrite(project, log, {e.occurred_at.date() for e in log})

    _kill_in_post_hook(project, table)
    model = f".{table}"
    now = project.contents()
    assert [now[t] for t in now if t.endswith(model)] == [before[t] for t in before if t.endswith(model)]
    assert [d for d in project.built_days() if d[0] == table] == [d for d in days_before if d[0] == table]

    project.build()
    repeated = project.contents()
    assert repeated != before
    project.build("--full-refresh")
    assert project.contents() == repeated


def _kill_in_post_hook(project: Project, table: str) -> None:
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
            [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *project.arguments("build")],
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
