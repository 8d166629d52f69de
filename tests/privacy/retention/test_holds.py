"""Legal holds by themselves: placing, ending, what they can see. What they keep is in test_run.py."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest

from privacy.merging import merge
from privacy.retention import holds
from privacy.retention.errors import InvalidRetentionError, UnknownHoldError, UnknownStoreError, UnstatedReasonError
from privacy.retention.execution import run
from privacy.retention.holds import Hold
from privacy.retention.stores import STORES, by_name
from tests.privacy.retention.world import NOW, Event, ago, put_events, tokens
from warehouse.database import ADMIN, Database

PLACED = {"placed_by": "counsel", "reason": "case", "now": NOW}


def hold(**fields: object) -> Hold:
    row = {"subject": None, "table": None, "first_on": None, "last_on": None, "ends_at": None} | fields
    return Hold(hold_id=1, placed_by="c", reason="r", placed_at=NOW, **row)  # type: ignore[arg-type]


def test_a_hold_on_a_person_sees_names_and_tokens_and_says_where_it_sees_nobody() -> None:
    person = hold(subject="u1")
    raw = holds.held(by_name()["raw.system_logs"], [person], tokens)
    safe = holds.held(by_name()["safe.pseudonymous_events"], [person], tokens)
    assert raw.parameters == ("u1",)
    assert safe.parameters == (tokens(["u1"])["u1"],)
    assert "u1" not in raw.text
    assert holds.held(by_name()["raw.quarantine"], [person], tokens).text == "false"
    blind = holds.blind_to(person, STORES)
    assert {"raw.quarantine", "safe.anonymous_events", "ml.training_sets"} <= set(blind)
    assert "raw.system_logs" not in blind
    assert holds.blind_to(hold(), STORES) == []


def test_a_hold_without_anything_holds_everything_but_the_books() -> None:
    assert holds.held(by_name()["raw.quarantine"], [hold()], tokens).text == "(true)"
    assert holds.held(by_name()["safe.event_days"], [hold()], tokens).text == "false"
    assert holds.held(by_name()["raw.quarantine"], [hold(table="raw.imports")], tokens).text == "false"
    assert holds.holds_file([hold()], "decision journal", date(2020, 1, 1))
    assert not holds.holds_file([hold(subject="u1")], "decision journal", date(2020, 1, 1))
    assert not holds.holds_file([hold(first_on=date(2020, 1, 2))], "decision journal", date(2020, 1, 1))


@pytest.mark.integration
def test_a_hold_is_in_force_from_its_placing_to_its_end(database: Database) -> None:
    with database.connect("privacy") as conn:
        first = holds.place(conn, **PLACED, table="ml.predictions", until=NOW + timedelta(days=9))  # type: ignore[arg-type]
        second = holds.place(conn, **PLACED, subject="u1")  # type: ignore[arg-type]
        assert [h.hold_id for h in holds.in_force(conn, NOW)] == [first, second]
        assert [h.hold_id for h in holds.in_force(conn, NOW + timedelta(days=9))] == [second]
        assert holds.in_force(conn, NOW - timedelta(seconds=1)) == []
        assert [h.hold_id for h in holds.holding(conn, "u1", NOW)] == [first, second]
        assert [h.hold_id for h in holds.holding(conn, "u2", NOW)] == [first]
        holds.release(conn, second, released_by="counsel", reason="settled", now=NOW + timedelta(days=1))
        assert [h.hold_id for h in holds.in_force(conn, NOW + timedelta(days=1))] == [first]
        with pytest.raises(UnknownHoldError):
            holds.release(conn, second, released_by="counsel", reason="again", now=NOW + timedelta(days=2))


@pytest.mark.integration
@pytest.mark.parametrize("days", [70, 400])
def test_a_hold_on_one_id_holds_what_lies_under_the_others(database: Database, days: int) -> None:
    """A row of a quarter that stays, and a whole quarter."""
    put_events(
        database, [Event("one", ago(days), "anon"), Event("two", ago(days), "ada"), Event("x", ago(days), "bob")]
    )
    with database.connect("privacy") as conn:
        merge(conn, [("anon", "ada")], by="anna", reason="asked", at=NOW)
        holds.place(conn, **PLACED, subject="anon")  # type: ignore[arg-type]
        assert [hold.subject for hold in holds.in_force(conn, NOW)] == ["ada", "anon"]
    with database.connect("erasure") as conn:
        run(conn, None, tokens, NOW)
        left = conn.execute("select id from raw.system_logs order by id").fetchall()
    assert {("one",), ("two",)} <= set(left)


@pytest.mark.integration
def test_wrong_holds_are_refused(database: Database) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(UnknownStoreError):
            holds.place(conn, **PLACED, table="raw.nothing")  # type: ignore[arg-type]
        with pytest.raises(UnstatedReasonError):
            holds.place(conn, placed_by="counsel", reason="", now=NOW)
        with pytest.raises(InvalidRetentionError):
            holds.place(conn, **PLACED, days=(date(2026, 1, 2), date(2026, 1, 1)))  # type: ignore[arg-type]
        with pytest.raises(InvalidRetentionError):
            holds.place(conn, **PLACED, until=NOW)  # type: ignore[arg-type]


@pytest.mark.integration
def test_the_server_lets_nobody_rewrite_a_hold(database: Database) -> None:
    with database.connect("privacy") as conn:
        holds.place(conn, **PLACED, subject="u1")  # type: ignore[arg-type]
    with database.connect(ADMIN) as conn, pytest.raises(psycopg.Error, match="not rewritten"):
        conn.execute("update privacy.legal_holds set subject = 'u2'")


@pytest.mark.integration
def test_no_hold_is_placed_while_a_step_deletes(database: Database) -> None:
    with database.connect("erasure") as deleting, database.connect("privacy") as counsel:
        holds.in_force(deleting, NOW, lock=True)
        counsel.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            holds.place(counsel, **PLACED)  # type: ignore[arg-type]
