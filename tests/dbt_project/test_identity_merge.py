"""Retention and paths of a hand-made list before and after two ids of a person become one: literal matrices.

The case is PostHog's kind: one of two people also goes by a second name. Everybody exists five times, so that k people
stand behind every row; matrices are those of single people, times five.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from privacy.consent import Decision, record_decisions
from privacy.merging import take_statements
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.conftest import cloned
from tests.dbt_project.conftest import MODULE_DATABASE, Project, Runner
from tests.privacy.events import event, store
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration

K = 5
TABLES = ("marts.mart_retention_days", "marts.mart_user_journeys", "marts.mart_journey_steps")
FIRST = datetime(2024, 3, 4, 10, tzinfo=UTC)
SELECTED = ("--indirect-selection", "cautious", "-s", *(f"+{name.split('.')[1]}" for name in TABLES))
# Who, day, minute, action: ada is `anon` until she signs up on the last day, and between her first day and the last but
# one; bob is bob.
STEPS = [
    ("ada", 0, 0, "open"), ("anon", 1, 0, "open"), ("anon", 3, 0, "open"), ("ada", 4, 0, "open"),
    ("bob", 0, 0, "open"), ("bob", 2, 0, "open"),
    ("anon", 9, 0, "landing"), ("anon", 9, 5, "pricing"), ("ada", 9, 10, "signup"), ("ada", 9, 15, "create"),
    ("bob", 9, 0, "pricing"), ("bob", 9, 5, "signup"),
]  # fmt: skip
# Of those who were there on a day, how many are there so many days later.
APART = [[2, 0, 1, 0, 1], [1, 0, 1, 0], [1, 0, 0], [1, 0], [1]]
MERGED = [[2, 1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 0], [1, 1], [1]]
JOURNEYS_APART = {"landing > pricing": 1, "signup > create": 1, "pricing > signup": 1}
JOURNEYS_MERGED = {"landing > pricing > signup > create": 1, "pricing > signup": 1}
MOVES_APART = {
    (1, "(start)", "landing"): 1, (1, "(start)", "pricing"): 1, (1, "(start)", "signup"): 1,
    (2, "landing", "pricing"): 1, (2, "pricing", "signup"): 1, (2, "signup", "create"): 1,
    (3, "pricing", "(end)"): 1, (3, "signup", "(end)"): 1, (3, "create", "(end)"): 1,
}  # fmt: skip
MOVES_MERGED = {
    (1, "(start)", "landing"): 1, (1, "(start)", "pricing"): 1,
    (2, "landing", "pricing"): 1, (2, "pricing", "signup"): 1,
    (3, "pricing", "signup"): 1, (3, "signup", "(end)"): 1, (4, "signup", "create"): 1, (5, "create", "(end)"): 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def project(template: Database, runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The list in raw, every id with a grant of its own."""
    folder = tmp_path_factory.mktemp("identity")
    with cloned(template, MODULE_DATABASE) as database:
        rows: list[dict[str, Any]] = [
            event(
                number * K + copy, user_id=f"{who}-{copy}", event_type="ui", action=action,
                created_at=FIRST + timedelta(days=day, minutes=minute),
            )
            for number, (who, day, minute, action) in enumerate(STEPS)
            for copy in range(K)
        ]  # fmt: skip
        with database.connect("collection") as conn:
            store(conn, rows)
        at = FIRST - timedelta(days=1)
        with database.connect("privacy") as conn:
            ids = sorted({row["user_id"] for row in rows})
            record_decisions(conn, [Decision(user, "analytics", "grant", at, at, "t", "api") for user in ids])
        yield Project(database, Settings.load(folder / "home"), folder / "target", runner)


def build(project: Project, vault: Vault) -> list[date]:
    with project.database.connect("privacy") as conn:
        days = pending_days(conn)
        transform_days(conn, days, vault)
    project.build(*SELECTED)
    return days


def found(project: Project) -> tuple[list[list[int]], dict[str, int], dict[tuple[int, str, str], int]]:
    matrix: list[list[int]] = [[] for _ in range(5)]
    for day, n in project.rows(
        "select starts_on, n_retained from marts.mart_retention_days "
        "where active_day < '2024-03-09' order by starts_on, day_no"
    ):
        assert isinstance(day, date)
        assert isinstance(n, int)
        matrix[(day - FIRST.date()).days].append(n // K)
    day = f"where event_day = '{(FIRST + timedelta(days=9)).date()}'"
    journeys = project.rows(f"select journey, n_people / {K} from marts.mart_user_journeys {day}")
    moves = project.rows(f"select step_no, from_step, to_step, n_people / {K} from marts.mart_journey_steps {day}")
    return matrix, dict(journeys), {tuple(row[:3]): row[3] for row in moves}  # type: ignore


def test_retention_and_paths_with_and_without_a_merge(project: Project, tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "vault")
    build(project, vault)
    assert found(project) == (APART, JOURNEYS_APART, MOVES_APART)
    with project.database.connect("privacy") as conn:
        take_statements(conn, [(f"anon-{copy}", f"ada-{copy}") for copy in range(K)], source="web", at=FIRST)
    assert build(project, vault) == [(FIRST + timedelta(days=day)).date() for day in (1, 3, 9)]
    assert found(project) == (MERGED, JOURNEYS_MERGED, MOVES_MERGED)
