"""The register: what is entered stays, later facts count, and no breach is closed with a duty unanswered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from privacy.breaches import register
from privacy.breaches.errors import (
    BreachInputError,
    ClosedBreachError,
    InvalidFactError,
    UnansweredDutyError,
    UnknownBreachError,
)
from privacy.breaches.register import MarkedTable
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def number(database: Database) -> int:
    with database.connect("privacy") as conn:
        return register.open_breach(conn, "lost laptop", aware_at=NOW, opened_by="officer", now=NOW)


def test_facts_add_up_and_their_history_stays(database: Database, number: int) -> None:
    by = {"recorded_by": "officer", "now": NOW + timedelta(hours=1)}
    with database.connect("privacy") as conn:
        register.add_facts(conn, number, {"nature": "a laptop was lost", "n_subjects": 10}, **by)  # type: ignore[arg-type]
        breach = register.add_facts(conn, number, {"n_subjects": 12}, **by)  # type: ignore[arg-type]
        table = MarkedTable("raw.system_logs", date(2026, 5, 1), None)
        register.mark_tables(conn, number, [table], **by)  # type: ignore[arg-type]
        breach = register.mark_tables(conn, number, [table, MarkedTable("ml.predictions")], **by)  # type: ignore[arg-type]
        history = register.history(conn, number)
        assert register.all_breaches(conn) == [breach]
    assert breach.facts == {"nature": "a laptop was lost", "n_subjects": 12}
    assert breach.tables == (table, MarkedTable("ml.predictions"))
    assert [entry.kind for entry in history] == ["facts", "facts", "tables", "tables"]
    assert history[0].details["n_subjects"] == 10


@pytest.mark.parametrize(
    "statement",
    [
        "update privacy.breaches set aware_at = now()",
        "delete from privacy.breach_entries",
        "update privacy.breach_entries set details = '{}'",
        "truncate privacy.breaches cascade",
    ],
)
@pytest.mark.usefixtures("number")
def test_the_server_refuses_to_forget(database: Database, statement: str) -> None:
    with database.connect(ADMIN) as conn, pytest.raises(psycopg.Error, match="append-only"):
        conn.execute(statement.encode())


def test_a_breach_is_not_closed_while_a_duty_is_unanswered(database: Database, number: int) -> None:
    by = {"recorded_by": "officer", "now": NOW}
    with database.connect("privacy") as conn:
        with pytest.raises(UnansweredDutyError, match="authority"):
            register.close(conn, number, reasons={}, **by)  # type: ignore[arg-type]
        register.record_notification(conn, number, "authority", reference="A-1", **by)  # type: ignore[arg-type]
        with pytest.raises(UnansweredDutyError, match="subjects"):
            register.close(conn, number, reasons={"subjects": " "}, **by)  # type: ignore[arg-type]
        closed = register.close(conn, number, reasons={"subjects": "the disk was encrypted"}, **by)  # type: ignore[arg-type]
        assert closed.closed_at == NOW
        with pytest.raises(ClosedBreachError):
            register.add_facts(conn, number, {"nature": "more"}, **by)  # type: ignore[arg-type]
        assert register.all_breaches(conn, only_open=True) == []


@pytest.mark.parametrize(
    "facts",
    [{"weather": "fine"}, {"nature": " "}, {"nature": 3}, {"n_subjects": -1}, {"n_subjects": True},
     {"categories_of_data": []}, {"categories_of_data": "names"}],
)  # fmt: skip
def test_no_fact_is_invented_or_empty(database: Database, number: int, facts: dict[str, object]) -> None:
    with database.connect("privacy") as conn, pytest.raises(InvalidFactError):
        register.add_facts(conn, number, facts, recorded_by="officer", now=NOW)


def test_wrong_entries_are_refused(database: Database, number: int) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(BreachInputError, match="future"):
            register.open_breach(conn, "t", aware_at=NOW + timedelta(1), opened_by="o", now=NOW)
        with pytest.raises(UnknownBreachError):
            register.load(conn, number + 1)
        with pytest.raises(BreachInputError):
            register.record_notification(conn, number, "the press", reference="", recorded_by="o", now=NOW)
        with pytest.raises(BreachInputError):
            register.mark_tables(
                conn, number, [MarkedTable("a.b", date(2026, 1, 2), date(2026, 1, 1))], recorded_by="o", now=NOW
            )
