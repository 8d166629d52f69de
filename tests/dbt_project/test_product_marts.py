"""Product marts on hand-made event lists with literal answers, and others' answers to the same questions.

One database and one build serve the module: each case has people and months of its own. Everybody exists five times,
so that k people stand behind every row; matrices are those of single people, times five.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.conftest import cloned
from tests.dbt_project.conftest import MODULE_DATABASE, Event, Project, Runner
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration

K = 5
MARTS = (
    "mart_active_users", "mart_lifecycle", "mart_retention_cohorts", "mart_retention_days", "mart_behavior_cohorts",
    "mart_conversion_funnels", "mart_user_journeys", "mart_journey_steps", "mart_feature_usage",
    "mart_feature_adoption", "mart_ai_performance", "mart_cross_company_features", "mart_workflow_patterns",
)  # fmt: skip
AGGREGATES = (
    "agg_analytics_visits", "agg_analytics_user_day", "agg_analytics_user_week", "agg_analytics_users",
    "agg_funnel_steps", "agg_ai_exchanges", "agg_journey_steps",
)  # fmt: skip
TABLES = (*(f"marts.{m}" for m in MARTS), *(f"aggregates.{a}" for a in AGGREGATES), "features.ftr_company_context")
CAUTIOUS = ("--indirect-selection", "cautious")  # tests of models that are not built here stay out
SELECTED = (*CAUTIOUS, "-s", *(f"+{name.split('.')[1]}" for name in TABLES))
Steps = list[tuple[str, str, str]]  # who, when (UTC), action

# Events and answers of PostHog's published tests, typed anew: lifecycle of four people in January 2020, and recurring
# retention of two people in June 2020, one of whom also goes by a second name: one subject here, since names are made
# one before the privacy transform or not at all.
LIFECYCLE: Steps = [
    *(("p1", f"2020-01-{day} 12:00", "page_view") for day in (11, 12, 13, 15, 17, 19)),
    ("p2", "2020-01-09 12:00", "page_view"), ("p2", "2020-01-12 12:00", "page_view"),
    ("p3", "2020-01-12 12:00", "page_view"), ("p4", "2020-01-15 12:00", "page_view"),
]  # fmt: skip
STATUSES = {
    "new": [1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0],
    "returning": [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0],
    "resurrecting": [0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1],
    "dormant": [0, 1, 0, 0, 2, 1, 0, 2, 0, 1, 0],
}
RETENTION: Steps = [
    *(("r1", f"2020-06-{day} 05:00", "page_view") for day in (10, 11, 12, 15, 16)), ("r1", "2020-06-15 09:00", "click"),
    *(("r2", f"2020-06-{day} 05:00", "page_view") for day in (11, 12, 13, 16)),
]  # fmt: skip
MATRIX = [[1, 1, 1, 0, 0, 1, 1], [2, 2, 1, 0, 1, 2], [2, 1, 0, 1, 2], [1, 0, 0, 1], [], [1, 1], [2]]
# Two people of one week, one of the next, who leave and come back; the weeks begin on Mondays.
COHORTS: Steps = [
    *(("w1", f"{day} 08:00", "page_view") for day in ("2021-03-01", "2021-03-14", "2021-03-29", "2021-05-24")),
    *(("w2", f"{day} 08:00", "page_view") for day in ("2021-03-07", "2021-03-15")),
    *(("w3", f"{day} 08:00", "page_view") for day in ("2021-03-08", "2021-03-21")),
]
RETAINED = {"2021-03-01": {0: 2, 1: 1, 2: 1, 4: 1, 12: 1}, "2021-03-08": {0: 1, 1: 1}}
# Ways through the product on one day: 3 people export, 2 leave at the search, 1 of them twice.
JOURNEYS: Steps = [
    *((who, f"2019-05-06 10:0{i}", action) for who in ("j1", "j2", "j3")
      for i, action in enumerate(("login", "search", "search", "export"))),
    *((who, f"2019-05-06 10:0{i}", action) for who in ("j4", "j5") for i, action in enumerate(("login", "search"))),
    *(("j5", f"2019-05-06 15:0{i}", action) for i, action in enumerate(("login", "search"))),
]  # fmt: skip
ASKED: Steps = [("a1", f"2019-06-03 10:0{i}", action) for i, action in enumerate(("prompt", "response", "rating"))]
RARE: Steps = [("z1", "2019-05-06 20:00", "secret_door")]


def copies(steps: Steps, times: int = K, plan: str | None = None) -> list[Event]:
    """Events of `times` copies of everybody; a plan makes their tier."""
    data = f'{{"plan": "{plan}", "feature": "board"}}' if plan else '{"feature": "board"}'
    return [
        Event(f"{who}-{copy}-{at}-{action}", f"{who}-{copy}", at, company=f"c{copy}", action=action, data=data)
        for who, at, action in steps
        for copy in range(times)
    ]


CASES = [
    *copies([*LIFECYCLE, *RETENTION, *JOURNEYS, *ASKED]),
    *copies(COHORTS, plan="team"),
    *copies(RARE, times=K - 1),
]


@pytest.fixture(scope="module")
def built(template: Database, runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The cases, built once."""
    folder = tmp_path_factory.mktemp("product")
    with cloned(template, MODULE_DATABASE) as database:
        project = Project(database, Settings.load(folder / "home"), folder / "target", runner)
        project.replace_days(CASES)
        project.build(*SELECTED)
        yield project


def test_lifecycle_equals_the_published_case(built: Project) -> None:
    found = built.rows(
        "select status, starts_on, n_people from marts.mart_lifecycle"
        " where period = 'day' and starts_on between '2020-01-09' and '2020-01-19'"
    )
    first = date(2020, 1, 9)
    expected = {
        (status, first + timedelta(days=i), K * n) for status, row in STATUSES.items() for i, n in enumerate(row) if n
    }
    assert set(found) == expected


def test_retention_of_days_equals_the_published_matrix(built: Project) -> None:
    """The merged name adds nobody: ids that were made one are one subject here, who was there twice on the 15th."""
    found = built.rows(
        "select starts_on, day_no, n_retained from marts.mart_retention_days where active_day < '2020-06-20'"
        " and starts_on >= '2020-06-10'"
    )
    first = date(2020, 6, 10)
    expected = {
        (first + timedelta(days=i), day_no, K * n)
        for i, row in enumerate(MATRIX)
        for day_no, n in enumerate(row)
        if first + timedelta(days=i + day_no) != date(2020, 6, 14)
    }
    assert set(found) == expected


def test_cohorts_by_week_and_tier(built: Project) -> None:
    found = built.rows(
        "select signup_week::text, week_no, n_cohort, n_retained, active_week from marts.mart_retention_cohorts"
        " where tier = 'paid'"
    )
    shown = {(week, number): n for week, number, _, n, _ in found if n}
    assert shown == {(week, k): K * n for week, row in RETAINED.items() for k, n in row.items()}
    assert {(week, size) for week, _, size, _, _ in found} == {("2021-03-01", 2 * K), ("2021-03-08", K)}
    assert built.rows("select distinct tier from marts.mart_retention_cohorts where signup_week = '2020-01-06'") == [
        ("free",)
    ]


def test_actives_and_stickiness(built: Project) -> None:
    query = (
        "select n_daily_users, n_weekly_users, n_monthly_users, stickiness from marts.mart_active_users"
        " where event_day = '{}'"
    )
    assert built.rows(query.format("2020-06-16")) == [(2 * K, 2 * K, 2 * K, 1.0)]
    assert built.rows(query.format("2020-01-19")) == [(K, 2 * K, 4 * K, 0.25)]
    assert built.rows(query.format("2021-03-29")) == [(K, K, 3 * K, 1 / 3)]


def test_journeys_show_paths_and_drop_out(built: Project) -> None:
    day = "event_day = '2019-05-06'"
    paths = built.rows(f"select journey, n_visits, n_people from marts.mart_user_journeys where {day} order by place")
    assert paths == [("login > search > export", 3 * K, 3 * K), ("login > search", 3 * K, 2 * K)]
    edges = built.rows(
        f"select step_no, from_step, to_step, n_visits, n_people, share_of_from from marts.mart_journey_steps"
        f" where {day} order by 1, 2, 3"
    )
    assert edges == [
        (1, "(start)", "login", 6 * K, 5 * K, 6 * K / (6 * K + K - 1)),
        (2, "login", "search", 6 * K, 5 * K, 1.0),
        (3, "search", "(end)", 3 * K, 2 * K, 0.5),
        (3, "search", "export", 3 * K, 3 * K, 0.5),
        (4, "export", "(end)", 3 * K, 3 * K, 1.0),
    ]


def test_fewer_than_k_people_are_in_no_mart(built: Project) -> None:
    for mart in MARTS:
        assert built.rows(f"select count(*) from marts.{mart} as t where t::text like '%secret_door%'") == [(0,)]
    assert built.rows("select n_people from aggregates.agg_journey_steps where to_step = 'secret_door'") == [(K - 1,)]


def orders(folder: Path) -> list[Event]:
    """A shop's orders as steps of the funnel from trial to paid."""
    actions = {"placed": "trial_start", "completed": "prompt", "returned": "feature_use"}
    with (folder / "product_analytics" / "raw_orders_simple.csv").open() as lines:
        steps = [(r["customer_id"], f"{r['order_date']} 00:00", actions[r["status"]]) for r in csv.DictReader(lines)]
    return copies(steps)


def test_funnel_equals_the_answer_of_another(built: Project, shared_data: Path) -> None:
    """Another's expected table: placed 6, completed 5, returned 2. Everybody entered once, so weeks add up."""
    events = orders(shared_data)
    built.replace_days(events)
    built.build("-s", "agg_funnel_steps", "mart_conversion_funnels", "funnels_never_grow")
    with (shared_data / "product_analytics" / "dmt_expected__funnel_simple.csv").open() as lines:
        expected = [(int(r["unique_users"]), float(r["pct_conversion"])) for r in csv.DictReader(lines)]
    found = built.rows(
        "select step_no, sum(n_people)::int from marts.mart_conversion_funnels"
        " where funnel = 'trial_to_paid' and entered_week < '2018-02-01' group by 1 order by 1"
    )
    people = [int(str(n)) for _, n in found]
    assert people == [K * n for n, _ in expected]
    assert [n / people[0] for n in people] == pytest.approx([share for _, share in expected])


@pytest.mark.parametrize(
    ("test", "table", "fault"),
    [
        ("journeys_conserve_visits",
         "aggregates.agg_journey_steps",
         "update aggregates.agg_journey_steps set n_visits = n_visits + 1 where step_no = 2 and to_step = 'search'"),
        ("funnels_never_grow",
         "marts.mart_conversion_funnels",
         "insert into marts.mart_conversion_funnels select 'f', date '2024-01-01', n, 's', 9, 8 + n, 1, 1, 0"
         " from generate_series(1, 2) as n"),
        ("lifecycle_parts_hide_or_equal_active_users",
         "marts.mart_active_users",
         "update marts.mart_active_users set n_daily_users = n_daily_users + 1 where event_day = '2020-06-16'"),
    ],
)  # fmt: skip
def test_an_identity_that_is_broken_is_found(built: Project, test: str, table: str, fault: str) -> None:
    rows = built.rows(f"select * from {table}")
    with built.database.connect("dbt") as conn:
        conn.execute(fault.encode())
        conn.execute(b"update staging.model_days set is_verified = false")
    try:
        assert not built.run("test", "-s", test)
        assert built.statuses()[test] == "fail"
    finally:
        restore(built, table, rows)


def restore(project: Project, table: str, rows: list[tuple[object, ...]]) -> None:
    """Put the rows of a table back."""
    with project.database.connect("dbt") as conn, conn.cursor() as cursor:
        cursor.execute(f"delete from {table}".encode())
        if rows:
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"insert into {table} values ({places})".encode(), rows)


def some_events(chance: Random, n: int, first: int, last: int) -> list[Event]:
    """Events of twelve people who use everything, from day `first` to `last` of 2022."""
    start = datetime(2022, 1, 1)
    found = []
    for _ in range(n):
        at = start + timedelta(days=chance.randint(first, last), minutes=chance.choice([5, 9, 30, 700, 715, 1439]))
        action = chance.choice(
            ["trial_start", "prompt", "response", "rating", "feature_use", "page_view", "upgrade", "signup", "login"]
        )
        data = chance.choice(
            ['{"feature": "board"}', '{"feature": "tasks", "page": "billing"}', '{"plan": "enterprise"}',
             '{"latency_ms": 3.5, "n_tokens": 7, "rating": 4}', '{"is_bot": true}', "{}"]
        )  # fmt: skip
        who = chance.choice([*(f"h{i}" for i in range(12)), None])
        purposes = chance.choice(
            [("analytics", "model_training", "personalization"), ("analytics",), ("personalization",)]
        )
        found.append(
            Event(f"{chance.getrandbits(64):x}", who, at.strftime("%Y-%m-%d %H:%M"), chance.choice([None, "c", "d"]),
                  action=action, data=data, purposes=purposes)
        )  # fmt: skip
    return found


def test_any_history_ends_in_the_tables_of_a_full_refresh(built: Project) -> None:
    """Arrivals, late arrivals, and people who go for good, among them their first days."""
    chance = Random(20220101)  # noqa: S311
    log = some_events(chance, 700, 0, 40)
    built.replace_days(log)
    built.build(*SELECTED)
    late = some_events(chance, 60, 0, 20) + some_events(chance, 200, 50, 75)
    log += late
    rewrite(built, log, {e.occurred_at.date() for e in late})
    gone = [e for e in log if e.subject in ("h1", "h2") and (e.subject == "h1" or chance.random() < 0.4)]
    last = {max(e.occurred_at.date() for e in log)}
    log = [e for e in log if e not in gone and e.occurred_at.date() not in last]
    rewrite(built, log, {e.occurred_at.date() for e in gone} | last)
    contents = built.contents(TABLES)
    assert built.run("run", "--full-refresh", *SELECTED), built.output.read_text()
    assert built.contents(TABLES) == contents
    assert all(contents[table] for table in TABLES if table != "marts.mart_cross_company_features")


def rewrite(project: Project, log: list[Event], days: set[date]) -> None:
    """Rewrite whole days from what is left of the log, and build."""
    project.replace_days([e for e in log if e.occurred_at.date() in days], days=days)
    assert project.run("run", *SELECTED), project.output.read_text()
