"""A feature uses what was known at its moment: weekly rows and look-ups against an oracle that reads plain events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import psycopg
import pytest

from tests.conftest import cloned
from tests.dbt_project.conftest import MODULE_DATABASE, Event, Project, Runner
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration

START = datetime(2024, 1, 1)
N_DAYS = 84
SPLIT = date(2024, 2, 12)  # a Monday: what came in before it is built first
MOMENTS = (SPLIT, date(2024, 2, 15), date(2024, 3, 20))
Row = dict[str, Any]
Known = Callable[[Event, date], bool]


@dataclass(frozen=True, slots=True)
class World:
    """Events, the project after all of them were built, and what the look-up said at SPLIT before the later came in."""

    project: Project
    events: list[Event]
    said_then: list[str]


def some_events(chance: Random, n: int) -> list[Event]:
    """Events of few subjects, dense around midnights, a third of them known minutes to weeks later."""
    found = []
    for number in range(n):
        minute = chance.choice([chance.randint(0, 1439), chance.randint(1415, 1439), chance.randint(0, 25)])
        at = START + timedelta(days=chance.randrange(N_DAYS), minutes=minute)
        delay = timedelta(minutes=chance.choice([0, 0, 0, 0, 7, chance.randint(60, 30_000)]))
        found.append(
            Event(
                event_id=f"{number:04}",
                subject=f"s{chance.randrange(1 + number % 8)}",
                at=at.strftime("%Y-%m-%d %H:%M"),
                received=(at + delay).strftime("%Y-%m-%d %H:%M"),
                company=chance.choice([None, "c", "d"]),
                component=chance.choice([None, "p", "q", "r"]),
                action=chance.choice(["commit", "merge", "error"]),
                data=chance.choice(["{}", "{}", '{"rating": 4.5}', '{"is_bot": true}' if number % 9 == 0 else "{}"]),
            )
        )
    return found


@pytest.fixture(scope="module")
def world(template: Database, runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Built twice, as it happens in life: up to a Monday, then with all that came in later."""
    folder = tmp_path_factory.mktemp("known")
    with cloned(template, MODULE_DATABASE) as database:
        project = Project(database, Settings.load(folder / "home"), folder / "target", runner)
        events = some_events(Random(11), 420)  # noqa: S311
        project.replace_days([e for e in events if was_known(e, SPLIT)])
        build(project)
        said = looked_up(project, SPLIT)
        project.replace_days(events)
        build(project)
        yield World(project, events, said)


def build(project: Project) -> None:
    assert project.run("run", "-s", "+ftr_user_weekly"), project.output.read_text()


def looked_up(project: Project, moment: date) -> list[str]:
    """What the ml role gets for every subject at a moment, as text."""
    query = "select x::text from unnest(%s::text[]) as s, features.user_at(s, %s) as x order by 1"
    with project.database.connect("ml") as conn:
        return [str(row[0]) for row in conn.execute(query, ([f"s{i}" for i in range(9)], moment)).fetchall()]


def was_known(event: Event, moment: date) -> bool:
    """The rule: it happened before the moment, and had come in before it."""
    start = datetime.combine(moment, time(), UTC)
    return event.occurred_at < start and event.received_at < start


def happened(event: Event, moment: date) -> bool:
    """The rule without receipts: what a pipeline sees that asks for event times only."""
    return event.occurred_at < datetime.combine(moment, time(), UTC)


def oracle(events: Sequence[Event], moment: date, known: Known = was_known) -> dict[str, Row]:
    """Features by subject from plain events: no days, no versions, no SQL."""
    mine: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda e: (e.occurred_at, e.event_id)):
        if event.subject and known(event, moment):
            mine.setdefault(event.subject, []).append(event)
    companies = {subject: _company_days(own) for subject, own in mine.items()}
    rows = {s: _features(own, moment) for s, own in mine.items() if _age(own[-1], moment) <= 90}
    for row in rows.values():
        for days in (28, 90):
            row[f"company_n_active_subjects_{days}d"] = sum(
                any(name == row["company"] and 0 < (moment - day).days <= days for day, name in company_days.items())
                for company_days in companies.values()
            )
    return rows


def _age(event: Event, moment: date) -> int:
    return (moment - event.occurred_at.date()).days


def _company_days(own: Sequence[Event]) -> dict[date, str]:
    """The company of each day's last event that names one."""
    return {e.occurred_at.date(): e.company for e in own if e.company is not None}


def _features(own: list[Event], moment: date) -> Row:
    midnight = datetime.combine(moment, time(), UTC)
    recent = [e for e in own if _age(e, moment) <= 90]
    days = sorted({e.occurred_at.date() for e in own})
    gaps = [(b - a).days for a, b in pairwise(days)]
    starts = [
        e for before, e in zip([None, *own], own, strict=False)
        if before is None or e.occurred_at - before.occurred_at > timedelta(minutes=30)
    ]  # fmt: skip
    row: Row = {
        "company": next((e.company for e in reversed(recent) if e.company), None),
        "is_bot": any("is_bot" in e.data for e in own),
        "recency_days": (midnight - own[-1].occurred_at).total_seconds() / 86400,
        "gap_mean_days_365d": sum(gaps) / len(gaps) if gaps else 365,
        "gap_last_days_365d": gaps[-1] if gaps else 365,
        "tenure_days_365d": (moment - days[0]).days,
        "error_share_90d": sum(e.action == "error" for e in recent) / len(recent),
        "n_ratings_90d": sum("rating" in e.data for e in recent),
        "n_components_90d": len({e.component for e in recent if e.component}),
        "n_actions_90d": len({e.action for e in recent}),
    }
    for n in (7, 28, 90, 365):
        row[f"n_events_{n}d"] = sum(_age(e, moment) <= n for e in own)
    for n in (7, 14, 28, 56, 90, 180, 365):
        row[f"n_active_days_{n}d"] = sum((moment - day).days <= n for day in days)
    return row | {f"n_sessions_{n}d": sum(_age(e, moment) <= n for e in starts) for n in (28, 90)}


def differences(expected: dict[str, Row], found: Sequence[Row]) -> list[tuple[str, str]]:
    """(subject, feature) wherever they differ; a row that only one has differs in its subject."""
    rows = {row["subject"]: row for row in found}
    wrong = [(subject, "subject") for subject in expected.keys() ^ rows.keys()]
    for subject in expected.keys() & rows.keys():
        for name, value in expected[subject].items():
            same = rows[subject][name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value)
            wrong += [] if same else [(subject, name)]
    return wrong


def fetch(project: Project, query: str, *values: Any) -> list[Row]:
    with project.database.connect("ml") as conn:
        return conn.cursor(row_factory=psycopg.rows.dict_row).execute(query.encode(), values).fetchall()


def weekly(project: Project) -> dict[date, list[Row]]:
    """The rows of ftr_user_weekly by cutoff."""
    found: dict[date, list[Row]] = {}
    for row in fetch(project, "select * from features.ftr_user_weekly"):
        found.setdefault(row["cutoff_on"], []).append(row)
    return found


def test_every_weekly_row_is_made_of_what_was_known_then(world: World) -> None:
    found = weekly(world.project)
    assert len(found) >= 11
    for cutoff, rows in found.items():
        assert differences(oracle(world.events, cutoff), rows) == [], cutoff
    leaking = [differences(oracle(world.events, c, happened), rows) for c, rows in found.items()]
    assert sum(map(bool, leaking)) >= 8, "events that came in late must matter, or this test proves nothing"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_look_up_at_any_day_is_made_of_what_was_known_then(world: World, moment: date) -> None:
    query = "select x.* from unnest(%s::text[]) as s, features.user_at(s, %s) as x"
    rows = fetch(world.project, query, [f"s{i}" for i in range(9)], moment)
    assert differences(oracle(world.events, moment), rows) == []


def test_look_ups_and_weekly_rows_are_the_same_bytes(world: World) -> None:
    project = world.project
    for cutoff, rows in weekly(project).items():
        stored = fetch(project, "select x::text as row from features.ftr_user_weekly x where cutoff_on = %s", cutoff)
        assert sorted(row["row"] for row in stored) == sorted(looked_up(project, cutoff)), cutoff
        assert len(stored) == len(rows)


def test_what_was_said_then_is_what_training_sees_of_then(world: World) -> None:
    """Weeks later, when the late events of that time are in: the row of that moment has not moved by a byte."""
    assert world.said_then
    assert looked_up(world.project, SPLIT) == world.said_then
    changed = world.project.rows(
        "select count(*) from aggregates.agg_user_day_superseded where event_day < '2024-02-12'"
    )
    assert changed[0][0] > 10  # type: ignore[operator]


def test_who_was_not_known_then_has_no_row(world: World) -> None:
    assert fetch(world.project, "select * from features.user_at(%s, %s)", "s0", date(2023, 12, 25)) == []
    assert fetch(world.project, "select * from features.user_at(%s, %s)", "nobody", SPLIT) == []


def test_the_look_up_opens_no_other_door(world: World) -> None:
    """It runs as dbt, but what it reads is named in it: the ml role still cannot read the days."""
    with world.project.database.connect("ml") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select 1 from aggregates.agg_user_day_versions")
