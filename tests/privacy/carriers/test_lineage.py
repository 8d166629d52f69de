"""Lineage against PostgreSQL itself: where a marked key comes out of a query, the query must be known to carry it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from privacy.carriers.lineage import analyse
from privacy.carriers.traces import UNANALYSED, Relation, Trace
from tests.privacy.carriers.generated import MARK, MEETING, Model, models
from warehouse.database import ADMIN, Database

KEY = Trace(frozenset({"safe.pseudonymous_events.subject"}))
EVENTS = ("event_id", "persona", "company", "session", "event_type", "action", "data", "event_day", "purposes")
KNOWN = {
    "safe.pseudonymous_events": Relation({"subject": KEY, **dict.fromkeys(EVENTS)}),
    "safe.event_days": Relation(dict.fromkeys(("event_day", "n_in", "version"))),
    "privacy_others": Relation({"other": None}),
}
N_CARRYING, N_CLEAN = 210, 105
MODELS = models(7, N_CARRYING, N_CLEAN)


@pytest.fixture
def marked(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect(ADMIN, autocommit=True) as conn:
        conn.execute(
            "insert into safe.pseudonymous_events (event_id, subject, event_type, event_source, action, data, "
            "occurred_at, received_at, event_day, purposes) select n::text, %s, 'ui', 's', 'click', '{}', now(), "
            "now(), current_date, '{}' from generate_series(1, 3) as n",
            (MARK,),
        )
        conn.execute("insert into safe.event_days values (current_date, 1, 'd', 3, 3, 3, 0, 1)")
        conn.execute("create temp table privacy_others (other text)")
        conn.execute("insert into privacy_others values (%s)", (MARK,))
        yield conn


def shows_the_mark(conn: psycopg.Connection, model: Model) -> bool:
    sql = model.sql.replace("%", "%%")
    row = conn.execute(
        f"select coalesce(bool_or(strpos(lower(m::text), %s) > 0), false) from ({sql}) as m".encode(), (MARK,)
    ).fetchone()
    assert row
    return bool(row[0])


def test_every_model_that_carries_is_caught_and_few_others(marked: psycopg.Connection) -> None:
    """A join on a key that was changed meets nothing; every other carrying model shows the mark, no clean one does."""
    caught = {model: analyse(model.sql, KNOWN).whole() is not None for model in MODELS}
    carrying, clean = [m for m in MODELS if m.carries], [m for m in MODELS if not m.carries]
    assert (len(carrying), len(clean)) == (N_CARRYING, N_CLEAN)
    assert [m.made_of for m in carrying if not caught[m]] == []
    alarms = [m.made_of for m in clean if caught[m]]
    assert len(alarms) <= 0.05 * len(clean), alarms
    for model in MODELS:
        if not set(MEETING) & set(model.made_of):
            assert shows_the_mark(marked, model) == model.carries, model.made_of


@pytest.mark.parametrize(
    "sql",
    [
        "select * from safe.unheard_of",
        "select x from safe.event_days",
        "select query_to_xml('select subject from safe.pseudonymous_events', true, true, '') as x",
        "select consent.as_of('a', 'b', now(), now()) as x",
        "insert into safe.event_days select 1 returning *",
        "select ((",
        "select 1; select 2",
        "table safe.pseudonymous_events",
    ],
)
def test_what_cannot_be_followed_carries(sql: str) -> None:
    assert analyse(sql, KNOWN).whole() is not None


def test_a_trace_says_from_where_and_through_what() -> None:
    made = analyse("select 'x' || subject as k, count(*) as n from safe.pseudonymous_events group by 1", KNOWN)
    assert made.columns["n"] is None
    trace = made.columns["k"]
    assert trace is not None
    assert trace.roots == KEY.roots
    assert "concat" in trace.how
    assert UNANALYSED not in trace.roots
