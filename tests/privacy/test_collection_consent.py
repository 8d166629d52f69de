"""Who may not be collected from: the latest word is no; seen by other connections at once; nothing is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest

from privacy.collection_consent import blocked_subjects
from privacy.consent import Decision, get_consent, record_decisions, record_imported_evidence
from tests.privacy.events import START
from warehouse.database import Database

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)
PEOPLE = ["silent", "agreed", "left", "back", "other", "refused"]


def say(subject: str, decision: str, at: datetime, purpose: str = "data_collection") -> Decision:
    return Decision(subject, purpose, decision, at, at, "portal", "save")


def test_only_those_whose_latest_word_is_no_are_blocked(database: Database) -> None:
    with database.connect("privacy") as conn:
        record_decisions(
            conn,
            [
                say("agreed", "grant", START),
                say("left", "grant", START),
                say("left", "withdraw", START + DAY),
                say("back", "withdraw", START),
                say("back", "grant", START + DAY),
                say("other", "withdraw", START, "analytics"),
                say("refused", "withdraw", START),
            ],
        )
        assert blocked_subjects(conn, PEOPLE, START + 2 * DAY) == {"left", "refused"}
        assert blocked_subjects(conn, PEOPLE, START) == {"back", "refused"}, "later decisions do not count yet"
        assert blocked_subjects(conn, ["agreed"], START + DAY) == set()
        assert blocked_subjects(conn, [], START) == set()


def test_another_connection_sees_a_withdrawal_from_its_commit_on(database: Database) -> None:
    with database.connect("privacy") as importer, database.connect("privacy") as portal:
        assert blocked_subjects(importer, ["u1"], START) == set()
        assert importer.info.transaction_status == psycopg.pq.TransactionStatus.IDLE, "no old snapshot is kept"
        record_decisions(portal, [say("u1", "withdraw", START)])
        assert blocked_subjects(importer, ["u1"], START) == {"u1"}
        record_decisions(portal, [say("u1", "grant", START + DAY)])
        assert blocked_subjects(importer, ["u1"], START + DAY) == set()


def test_a_files_owner_cannot_speak_against_a_withdrawal(database: Database) -> None:
    with database.connect("privacy") as conn:
        record_decisions(conn, [say("u1", "withdraw", START), say("u1", "withdraw", START, "analytics")])
        purposes = ["data_collection", "analytics", "marketing"]
        first = START + DAY
        assert record_imported_evidence(conn, {"u1": first, "u2": first}, purposes, "file", "contract", first) == 4
        assert get_consent(conn, "u1") == dict.fromkeys(get_consent(conn, "u3"), "none") | {
            "data_collection": "withdraw",
            "analytics": "withdraw",
            "marketing": "grant",
        }
        assert blocked_subjects(conn, ["u1", "u2"], first) == {"u1"}
