"""Runs over synthetic events: what goes, what stays, again the same after any interruption."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest

from privacy.retention import holds
from privacy.retention.deletion import Step, close_days
from privacy.retention.execution import RetentionReport, run
from privacy.retention.planning import plan
from privacy.retention.policies import PropertyRule, set_policy, set_property
from privacy.retention.terms import terms
from privacy.transform import pending_days
from tests.privacy.retention.world import NOW, Event, ago, ids, put_events, token, tokens
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
OFFICER = {"changed_by": "officer", "reason": "test", "now": NOW}


def events() -> list[Event]:
    """Days from today to 300 ago: every class, two people and nobody."""
    terms = ("transient", "short_term", "medium_term", "long_term")
    people = ("u1", "u2", None)
    return [
        Event(f"e{n}", ago(days), people[n % 3], terms[n % 4], {"prompt": "p"} if n % 5 == 0 else {})
        for n, days in enumerate([0, 1, 2, 20, 29, 30, 31, 32, 59, 60, 61, 62, 90, 150, 200, 201, 202, 300] * 4)
    ]


def survivors(rows: list[Event]) -> set[str]:
    """What the rules leave, said in another way: the shorter of 60 days and the class's own."""
    days = {"transient": 1, "short_term": 30, "medium_term": 60, "long_term": 60}
    return {e.id for e in rows if (NOW.date() - e.day).days <= days[e.term]}


def retain(database: Database, home: Path | None = None, **options: object) -> RetentionReport:
    with database.connect("erasure") as conn:
        return run(conn, home, tokens, NOW, **options)  # type: ignore[arg-type]


def test_the_shorter_of_class_and_store_wins_and_the_plan_says_so_first(database: Database) -> None:
    rows = events()
    put_events(database, rows)
    with database.connect("erasure") as conn:
        planned = plan(conn, None, tokens, NOW)
    report = retain(database)
    assert (
        ids(database)
        == survivors(rows)
        == ids(database, "raw.event_keys")
        - {e.id for e in rows if e.id not in survivors(rows) and (NOW.date() - e.day).days <= 60}
    )
    gone = len(rows) - len(survivors(rows))
    assert sum(line.n for line in planned.lines if line.store == "raw.system_logs") == gone
    assert sum(line.n for line in planned.lines) == report.n_deleted
    assert (
        sum(line.n for line in report.lines if line.store == "raw.system_logs") + sum(report.partitions.values())
        == gone
    )
    assert (
        set(planned.partitions)
        == set(report.partitions)
        == {"system_logs_2025_q3", "system_logs_2025_q4", "system_logs_2026_q1"}
    )
    assert planned.n_closing_days == report.n_closed_days == len({e.day for e in rows if e.day < ago(60)})


def test_a_second_run_finds_nothing(database: Database) -> None:
    put_events(database, events())
    retain(database)
    again = retain(database)
    assert (again.n_deleted, again.partitions, again.n_closed_days) == (0, {}, 0)


def test_an_open_day_gets_a_new_version_and_its_count_and_a_closed_day_is_never_pending(database: Database) -> None:
    rows = events()
    put_events(database, rows)
    with database.connect(ADMIN) as conn:
        before: dict[date, int] = dict(conn.execute("select event_day, version from raw.event_days").fetchall())
    retain(database)
    with database.connect("privacy") as conn:
        after = conn.execute("select event_day, version, n_events from raw.event_days").fetchall()
        for day, version, n_events in after:
            left = [e for e in rows if e.day == day and e.id in survivors(rows)]
            assert n_events == len(left)
            assert (version > before[day]) == (len(left) < len([e for e in rows if e.day == day]))
        assert all(day >= ago(60) for day in pending_days(conn))
        assert {day for day, *_ in after} == {e.day for e in rows if e.day >= ago(60)}


def test_a_late_event_of_a_closed_day_opens_nothing_and_goes_with_the_next_run(database: Database) -> None:
    put_events(database, events())
    retain(database)
    with database.connect("collection") as conn:
        conn.execute("select raw.ensure_partitions(%s, %s)", (ago(90), ago(90)))
        conn.execute(
            "insert into raw.system_logs select 'late', user_id, persona_id, company_id, event_type, event_source, "
            "component, action, data, metadata, data_classification, retention_policy, session_id, client_info, "
            "created_at, received_at, source, fingerprint, %s from raw.system_logs limit 1",
            (ago(90),),
        )
        touched = conn.execute(
            "insert into raw.event_days values (%s, 1, nextval('raw.event_day_version')) on conflict (event_day) "
            "do update set n_events = 2 returning event_day",
            (ago(90),),
        ).fetchall()
    assert touched == []
    with database.connect("privacy") as conn:
        assert ago(90) not in pending_days(conn)
    assert "late" in ids(database)
    retain(database)
    assert "late" not in ids(database)


def test_an_import_at_the_moment_of_closing_waits_and_finds_the_day_closed(database: Database) -> None:
    put_events(database, [Event("old", ago(90))])
    upsert = (
        "insert into raw.event_days values (%s, 1, nextval('raw.event_day_version')) on conflict (event_day) "
        "do update set n_events = 9 returning event_day"
    )
    with database.connect("erasure") as closing, database.connect("collection") as importing:
        close_days(Step.begin(closing, terms(closing, NOW), tokens))
        with ThreadPoolExecutor() as pool:
            late = pool.submit(lambda: importing.execute(upsert, (ago(90),)).fetchall())
            waiting = "select count(*) from pg_locks where not granted and relation = 'raw.event_days'::regclass"
            deadline = monotonic() + 20
            while closing.execute(waiting).fetchone() == (0,) and monotonic() < deadline:
                sleep(0.01)
            closing.commit()
            assert late.result(20) == []


@pytest.mark.parametrize("stop_at", range(0, 12, 3))
def test_a_run_that_is_interrupted_is_run_again_to_the_same_end(database: Database, stop_at: int) -> None:
    rows = events()
    put_events(database, rows)
    steps: list[str] = []

    def interrupt(step: str) -> None:
        steps.append(step)
        if len(steps) == stop_at + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retain(database, progress=interrupt)
    retain(database)
    assert ids(database) == survivors(rows)
    assert ids(database, "safe.pseudonymous_events", "event_day") == {str(e.day) for e in rows if e.day >= ago(60)}
    with database.connect("erasure") as conn:
        assert all(line.n == 0 for line in plan(conn, None, tokens, NOW).lines)


KILLED = """
import os, sys
from datetime import datetime
import psycopg
from privacy.retention.execution import run
def die(step):
    if step == "raw.system_logs":
        os.kill(os.getpid(), 9)
with psycopg.connect(sys.argv[1]) as conn:
    run(conn, None, lambda subjects: {}, datetime.fromisoformat(sys.argv[2]), die)
"""


def test_a_killed_run_is_run_again_to_the_same_end(database: Database) -> None:
    rows = events()
    put_events(database, rows)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, database.url("erasure"), NOW.isoformat()], check=False, capture_output=True
    )
    assert done.returncode == -9, done.stderr
    with database.connect("privacy") as conn:
        assert all(day >= ago(60) for day in pending_days(conn))  # the days are closed although their events are there
    retain(database)
    assert ids(database) == survivors(rows)


def test_a_held_person_stays_in_raw_safe_and_keys_and_goes_after_the_release(database: Database) -> None:
    rows = [Event(f"e{n}", ago(days), user) for n, (days, user) in enumerate([(300, "u1"), (300, "u2"), (90, "u1")])]
    put_events(database, rows)
    with database.connect("erasure") as conn:
        hold = holds.place(conn, placed_by="counsel", reason="case 7", now=NOW, subject="u1")
        planned = {line.store: line for line in plan(conn, None, tokens, NOW).lines}
    report = retain(database)
    assert (planned["raw.system_logs"].n, planned["raw.system_logs"].n_held) == (1, 2)
    assert ids(database) == ids(database, "raw.event_keys") == {"e0", "e2"}
    assert ids(database, "safe.pseudonymous_events", "subject") == {token("u1")}
    assert report.n_held == 6
    with database.connect("privacy") as conn:
        assert pending_days(conn) == []  # nothing computes the days again from the held rows alone
    with database.connect("erasure") as conn:
        holds.release(conn, hold, released_by="counsel", reason="settled", now=NOW)
    assert set(retain(database).partitions) == {"system_logs_2025_q3", "system_logs_2026_q1"}
    assert ids(database) == ids(database, "raw.event_keys") == ids(database, "safe.pseudonymous_events", "subject")
    assert ids(database) == set()


def test_held_days_are_not_closed(database: Database) -> None:
    put_events(database, [Event("e0", ago(300)), Event("e1", ago(299)), Event("e2", ago(200))])
    with database.connect("erasure") as conn:
        holds.place(conn, placed_by="counsel", reason="case 8", now=NOW, days=(ago(300), ago(299)))
    retain(database)
    assert ids(database) == {"e0", "e1"}
    with database.connect(ADMIN) as conn:
        assert conn.execute("select event_day from raw.event_days order by 1").fetchall() == [(ago(300),), (ago(299),)]


def test_the_server_refuses_to_drop_a_partition_with_a_held_row(database: Database) -> None:
    put_events(database, [Event("e0", ago(300), "u1"), Event("e1", ago(400), "u2")])
    with database.connect("erasure") as conn:
        holds.place(conn, placed_by="counsel", reason="case 9", now=NOW, subject="u1")
        dropped = conn.execute("select name from raw.drop_partitions(%s, %s)", (ago(1), NOW)).fetchall()
        assert [name for (name,) in dropped] == ["system_logs_2025_q2"]
    assert ids(database) == {"e0"}


def test_who_may_not_delete_events_may_not_drop_them(database: Database) -> None:
    with database.connect("quality") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select raw.drop_partitions(%s, %s)", (ago(1), NOW))


def test_a_partition_in_use_is_deleted_row_by_row(database: Database) -> None:
    put_events(database, [Event("e0", ago(300))])
    with database.connect(ADMIN) as conn:
        conn.execute("alter function raw.drop_partitions(date, timestamptz) set lock_timeout = '50ms'")
    with database.connect("privacy") as reader:
        reader.execute("select * from raw.system_logs")
        assert retain(database).partitions == {}
    assert ids(database) == set()


def test_values_at_a_path_go_while_the_event_stays(database: Database) -> None:
    data = {"prompt": "help me", "items": [{"note": "a", "n": 1}, {"n": 2}], "model": "m"}
    put_events(database, [Event("old", ago(31), data=data), Event("new", ago(30), data=data)])
    put_events(database, [Event("other", ago(31), data=data, event_type="ui"), Event("held", ago(31), "u9", data=data)])
    with database.connect("erasure") as conn:
        set_property(conn, PropertyRule("ai", "/data/items/*/note", 10), **OFFICER)  # type: ignore[arg-type]
        set_property(conn, PropertyRule("*", "/data/prompt", 30), **OFFICER)  # type: ignore[arg-type]
        holds.place(conn, placed_by="counsel", reason="case", now=NOW, subject="u9")
        before: dict[date, int] = dict(conn.execute("select event_day, version from raw.event_days").fetchall())
    report = retain(database)
    with database.connect(ADMIN) as conn:
        found: dict[str, object] = dict(conn.execute("select id, data from raw.system_logs").fetchall())
        after: dict[date, int] = dict(conn.execute("select event_day, version from raw.event_days").fetchall())
    short = {"items": [{"n": 1}, {"n": 2}], "model": "m"}
    assert found["old"] == short
    assert found["new"] == {**short, "prompt": "help me"}
    assert found["other"] == {"items": data["items"], "model": "m"}
    assert found["held"] == data
    assert {day: after[day] > before[day] for day in after} == {ago(31): True, ago(30): True}
    values = {line.store: (line.n, line.n_held) for line in report.lines if line.method == "values" and line.n}
    assert values == {"* /data/prompt": (2, 1), "ai /data/items/*/note": (2, 1)}
    assert retain(database).n_deleted == 0


PATHS: list[tuple[object, list[str], object]] = [
    ({"a": 1, "b": 2}, ["a"], {"b": 2}),
    ({"a": {"b": 1, "c": 2}}, ["a", "b"], {"a": {"c": 2}}),
    ({"a": [1, {"b": 1}]}, ["a", "*", "b"], {"a": [1, {}]}),
    ({"a": {"x": {"b": 1}, "y": 3}}, ["a", "*", "b"], {"a": {"x": {}, "y": 3}}),
    ({"a": [1, 2]}, ["a", "*"], {"a": []}),
    ({"a": "text"}, ["a", "b"], {"a": "text"}),
    ({"a": []}, ["a", "*", "b"], {"a": []}),
    ([1], ["a"], [1]),
]


def test_a_path_takes_its_values_and_nothing_else(database: Database) -> None:
    with database.connect("erasure") as conn:
        for document, path, left in PATHS:
            row = conn.execute("select privacy.without_path(%s, %s)", (json.dumps(document), path)).fetchone()
            assert row == (left,), path


def test_no_end_means_no_end(database: Database) -> None:
    rows = [Event("e0", date(2020, 1, 1)), Event("e1", ago(40), term="short_term")]
    put_events(database, rows)
    with database.connect("erasure") as conn:
        set_policy(conn, "raw_events", None, **OFFICER)  # type: ignore[arg-type]
        set_policy(conn, "long_term", None, **OFFICER)  # type: ignore[arg-type]
    retain(database)
    assert ids(database) == {"e0"}


def test_what_went_is_written_down(database: Database) -> None:
    put_events(database, events())
    report = retain(database)
    with database.connect(ADMIN) as conn:
        rows = conn.execute("select store, n_deleted from privacy.retention_runs where ran_at = %s", (NOW,)).fetchall()
    found: dict[str, int] = dict(rows)
    assert found["raw.system_logs"] == next(line.n for line in report.lines if line.store == "raw.system_logs")
    assert {f"raw.{name}" for name in report.partitions} <= set(found)
    with database.connect("privacy") as conn, pytest.raises(psycopg.Error, match="append-only"):
        conn.execute("delete from privacy.retention_runs")


def test_the_run_needs_no_more_than_a_day_of_slack(database: Database) -> None:
    put_events(database, [Event("edge", ago(60)), Event("over", ago(61))])
    retain(database)
    assert ids(database) == {"edge"}
    with database.connect("erasure") as conn:
        run(conn, None, tokens, NOW + timedelta(days=1))
    assert ids(database) == set()
