"""Shared use: published once from the budget, counted by person before crowds are formed, refused before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from privacy.budget import shared_use
from privacy.budget.errors import BudgetExceededError, InvalidQueryError
from privacy.budget.ledger import Account, Grant, budget_of, grant
from privacy.budget.shared_use import Span, people_and_features, publish
from privacy.consent import Decision, record_decisions
from privacy.merging import take_statements
from tests.privacy.events import START, event, store
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
N = 150
NOW = START + timedelta(days=9)
SPAN = Span(START.date(), START.date() + timedelta(days=2))
ACCOUNT = Account("safe.anonymous_events", "sharing", "2024-Q1")
GRANT = Grant(ACCOUNT, 20.0, 1e-3, "officer", "tests", selection_delta=1e-4)
KEY = b"k" * 32


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    """150 people view on two days; one alone opens a rare door; others share nothing, are nobody's or of no company."""
    rows = [
        event(n * 2 + day, user_id=f"u{n}", company_id=f"c{n % 7}", created_at=START + timedelta(days=day, minutes=n))
        for n in range(N)
        for day in range(2)
    ]
    apart: list[dict[str, Any]] = [
        {"user_id": "u1", "action": "rare"}, {"user_id": "silent"}, {"user_id": None},
        {"user_id": "u2", "company_id": None, "action": "private"},
        {"user_id": "u3", "action": "secret", "data_classification": "sensitive"},
        {"user_id": "u4", "action": "later", "created_at": START + timedelta(days=2)},
    ]  # fmt: skip
    rows += [event(1000 + n, **fields) for n, fields in enumerate(apart)]
    with database.connect("collection") as collection:
        store(collection, rows)
    at = START - timedelta(days=1)
    with database.connect("privacy") as privacy:
        people = [f"u{n}" for n in range(N)]
        record_decisions(privacy, [Decision(who, "sharing", "grant", at, at, "t", "api") for who in people])
        grant(privacy, GRANT, now=NOW)
        yield privacy


def test_rows_are_of_people_who_share_and_of_companies(conn: psycopg.Connection) -> None:
    take_statements(conn, [("u0", "u5")], source="t", at=NOW)
    found = people_and_features(conn, SPAN.days).to_pylist()
    pairs = {(row["person"], row["feature"]) for row in found}
    assert {feature for _, feature in pairs} == {"page > nav > view", "page > nav > rare"}
    assert {person for person, _ in pairs} == {f"u{n}" for n in range(1, N)}
    assert len(found) == 2 * N + 1


def test_a_span_is_published_once_and_counts_people(conn: psycopg.Connection) -> None:
    done, budget = publish(conn, "2024-Q1", SPAN, 2, key=KEY, now=NOW)
    (feature,) = done.values  # the rare door of one person is not shown
    assert feature == "page > nav > view"
    assert abs(done.values[feature] - N) < 12 * done.facts["scale"]
    again, unchanged = publish(conn, "2024-Q1", SPAN, 2, key=KEY, now=NOW)
    assert (again, unchanged) == (done, budget)
    assert budget.n_spends == 1
    rows = conn.execute(
        "select first_on, last_on, event_type, component, action, n_people, noise_sd from safe.released_use"
    ).fetchall()
    last = START.date() + timedelta(days=1)
    assert rows == [(START.date(), last, "page", "nav", "view", done.values[feature], done.facts["scale"])]


def test_what_the_budget_does_not_cover_is_neither_read_nor_drawn(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(conn, "2024-Q1", SPAN, 1, key=KEY, now=NOW)
    read: list[date] = []
    monkeypatch.setattr(shared_use, "_of_day", lambda _, day: read.append(day))
    with pytest.raises(BudgetExceededError, match="nothing was drawn"):
        publish(conn, "2024-Q1", Span(START.date(), SPAN.days[1]), 1, key=KEY, now=NOW)
    assert read == []
    assert conn.execute("select count(*) from safe.released_use").fetchone() == (1,)
    assert budget_of(conn, ACCOUNT).n_spends == 1


@pytest.mark.parametrize("span", [Span(SPAN.end_on, SPAN.first_on), Span(NOW.date(), NOW.date() + timedelta(days=1))])
def test_days_that_are_not_over_are_refused_and_cost_nothing(conn: psycopg.Connection, span: Span) -> None:
    with pytest.raises(InvalidQueryError, match="today at the latest"):
        publish(conn, "2024-Q1", span, 2, key=KEY, now=NOW)
    assert budget_of(conn, ACCOUNT).n_spends == 0


def test_days_whose_events_are_gone_are_refused(conn: psycopg.Connection, database: Database) -> None:
    with database.connect(ADMIN) as admin:
        admin.execute("insert into privacy.closed_days values (%s, 3, %s)", (SPAN.first_on, NOW))
    with pytest.raises(InvalidQueryError, match=r"1 days of .* are past their term"):
        publish(conn, "2024-Q1", SPAN, 2, key=KEY, now=NOW)
    assert budget_of(conn, ACCOUNT).n_spends == 0


def test_what_was_published_is_not_rewritten(conn: psycopg.Connection, database: Database) -> None:
    publish(conn, "2024-Q1", SPAN, 2, key=KEY, now=NOW)
    with database.connect(ADMIN) as admin, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        admin.execute("update safe.released_use set n_people = 0")
