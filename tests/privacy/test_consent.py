"""The ledger in a real PostgreSQL: idempotent, append-only, current, as of a moment, and refusals."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from privacy.consent import Decision, as_of, get_consent, history, record_decisions, record_imported_evidence
from privacy.errors import InvalidDecisionError, UnknownPurposeError
from privacy.purposes import PURPOSES
from tests.privacy.events import START
from warehouse.database import Database

HOUR = timedelta(hours=1)
GRANT = Decision("u1", "analytics", "grant", START, START, "portal", "save", "asked", {"page": 3})
WITHDRAWAL = Decision("u1", "analytics", "withdraw", START + 2 * HOUR, START + 3 * HOUR, "portal", "save")


@pytest.mark.integration
def test_decisions_are_recorded_once_and_read_back(database: Database) -> None:
    with database.connect("privacy") as conn:
        assert record_decisions(conn, [GRANT, WITHDRAWAL]) == 2
        assert record_decisions(conn, [WITHDRAWAL, GRANT]) == 0
        assert history(conn, "u1") == [GRANT, WITHDRAWAL]
        assert get_consent(conn, "u1") == dict.fromkeys(PURPOSES, "none") | {"analytics": "withdraw"}
        assert set(get_consent(conn, "stranger").values()) == {"none"}


@pytest.mark.integration
def test_as_of_knows_what_was_decided_and_what_was_known(database: Database) -> None:
    with database.connect("privacy") as conn:
        record_decisions(conn, [GRANT, WITHDRAWAL])
        moments = ((START - HOUR, START + 9 * HOUR), (START, START), (START + 2 * HOUR,) * 2, (START + 3 * HOUR,) * 2)
        assert [as_of(conn, "u1", "analytics", *moment) for moment in moments] == [None, "grant", "grant", "withdraw"]


@pytest.mark.integration
def test_a_table_of_decisions_and_imported_evidence(database: Database) -> None:
    with database.connect("privacy") as conn:
        names = ("subject", "purpose", "decision", "decided_at", "received_at", "source", "method")
        rows = [{name: getattr(GRANT, name) for name in names}]
        assert record_decisions(conn, pa.Table.from_pylist(rows)) == 1
        first = pa.table({"subject": ["u8", "u9"], "first_event_at": pa.array([START] * 2, pa.timestamp("us", "UTC"))})
        assert record_imported_evidence(conn, first, ["sharing", "analytics"], "file", "contract 7", START) == 4
        assert record_imported_evidence(conn, {"u9": START}, ["sharing"], "file", "contract 7", START) == 0
        assert [entry.method for entry in history(conn, "u9")] == ["import", "import"]
        with pytest.raises(InvalidDecisionError, match="reason"):
            record_imported_evidence(conn, {"u9": START}, ["sharing"], "file", " ", START)


@pytest.mark.parametrize(
    ("decision", "error"),
    [
        (Decision("u", "world_domination", "grant", START, START, "s", "m"), UnknownPurposeError),
        (Decision("u", "sharing", "maybe", START, START, "s", "m"), InvalidDecisionError),
        (Decision("u", "sharing", "grant", datetime(2024, 1, 1), START, "s", "m"), InvalidDecisionError),
    ],
)
@pytest.mark.integration
def test_what_cannot_be_recorded_is_refused_as_a_whole(
    database: Database, decision: Decision, error: type[Exception]
) -> None:
    with database.connect("privacy") as conn:
        with pytest.raises(error):
            record_decisions(conn, [GRANT, decision])
        assert history(conn, "u1") == []


def test_training_and_sharing_are_denied_by_default() -> None:
    assert {purpose.name for purpose in PURPOSES.values() if purpose.default == "deny"} == {"model_training", "sharing"}
    assert [purpose.name for purpose in PURPOSES.values() if purpose.required] == ["data_collection"]
