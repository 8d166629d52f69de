"""Notices: words on record once, served to one person, pointed at by their decisions only; nothing is rewritten."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from privacy.consent import Decision, get_consent, history, record_decisions
from privacy.errors import ChangedNoticeError, InvalidDecisionError, UnknownNoticeError, UnknownPurposeError
from privacy.notices import dismiss_notice, publish_notices, published, serve_notice, served_to
from privacy.purposes import LANGUAGES, PURPOSES
from tests.privacy.events import START
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
MINUTE = timedelta(minutes=1)
NEW = {"analytics": replace(PURPOSES["analytics"], version=2, texts={"en": "Other words.", "de": "Andere Worte."})}


def test_words_are_published_once_with_their_hash(database: Database) -> None:
    with database.connect("privacy") as conn:
        assert publish_notices(conn, START) == len(PURPOSES) * len(LANGUAGES)
        assert publish_notices(conn, START + MINUTE) == 0
        found = published(conn)
        assert {(notice.purpose, notice.language): notice.body for notice in found} == {
            (purpose.name, language): text for purpose in PURPOSES.values() for language, text in purpose.texts.items()
        }
        assert all(notice.sha256 == hashlib.sha256(notice.body.encode()).hexdigest() for notice in found)
        assert {notice.published_at for notice in found} == {START}


def test_other_words_need_another_version_and_the_newest_is_served(database: Database) -> None:
    with database.connect("privacy") as conn:
        publish_notices(conn, START)
        quiet = {"analytics": replace(NEW["analytics"], version=1)}
        with pytest.raises(ChangedNoticeError, match=r"analytics version 1 \(en\).*new version"):
            publish_notices(conn, START, quiet)
        assert publish_notices(conn, START, NEW) == 2
        served = serve_notice(conn, "u1", "analytics", language="de", served_at=START, place="/sign-up")
        assert (served.notice.version, served.notice.body, served.place) == (2, "Andere Worte.", "/sign-up")
        assert served_to(conn, "u1") == [served]
        assert served_to(conn, "u2") == []


def test_what_is_not_published_cannot_be_served(database: Database) -> None:
    with database.connect("privacy") as conn:
        publish_notices(conn, START)
        with pytest.raises(UnknownNoticeError, match="'fr'"):
            serve_notice(conn, "u1", "analytics", language="fr", served_at=START, place="p")
        with pytest.raises(UnknownPurposeError):
            serve_notice(conn, "u1", "world_domination", language="en", served_at=START, place="p")


def test_a_decision_points_at_what_its_own_subject_was_shown_before(database: Database) -> None:
    with database.connect("privacy") as conn:
        publish_notices(conn, START)
        shown = serve_notice(conn, "u1", "analytics", language="en", served_at=START, place="p").served_notice_id
        later = START + MINUTE
        good = Decision("u1", "analytics", "grant", later, later, "portal", "accept", served_notice_id=shown)
        for foreign in (
            replace(good, subject="u2"),
            replace(good, purpose="marketing"),
            replace(good, decided_at=START - MINUTE),
            replace(good, served_notice_id=shown + 1),
        ):
            with pytest.raises(InvalidDecisionError, match="1 decisions point at a notice"):
                record_decisions(conn, [foreign])
        assert record_decisions(conn, [good]) == 1
        assert history(conn, "u1") == [good]


def test_dismissing_changes_no_choice(database: Database) -> None:
    with database.connect("privacy") as conn:
        publish_notices(conn, START)
        record_decisions(conn, [Decision("u1", "marketing", "grant", START, START, "portal", "accept")])
        before = get_consent(conn, "u1")
        shown = serve_notice(conn, "u1", "marketing", language="en", served_at=START, place="p").served_notice_id
        dismiss_notice(conn, "u1", shown, START + MINUTE)
        dismiss_notice(conn, "u1", shown, START + MINUTE)
        assert get_consent(conn, "u1") == before
        with pytest.raises(UnknownNoticeError, match="not served to this person"):
            dismiss_notice(conn, "u2", shown, START)
        for decision in ("grant", "withdraw"):
            with pytest.raises(InvalidDecisionError, match="dismiss"):
                record_decisions(conn, [Decision("u1", "marketing", decision, START, START, "portal", "dismiss")])


TABLES = ("consent_events", "notices", "served_notices", "dismissed_notices")


def filled(database: Database) -> None:
    with database.connect("privacy") as conn:
        publish_notices(conn, START)
        shown = serve_notice(conn, "u1", "marketing", language="en", served_at=START, place="p").served_notice_id
        dismiss_notice(conn, "u1", shown, START)
        record_decisions(conn, [Decision("u1", "marketing", "withdraw", START, START, "portal", "reject")])


@pytest.mark.parametrize("table", TABLES)
def test_nobody_rewrites_a_row_and_only_an_erasure_removes_one(database: Database, table: str) -> None:
    filled(database)
    changed = {"notices": "published_at", "served_notices": "served_at", "dismissed_notices": "dismissed_at"}
    column = changed.get(table, "decided_at")
    for role in ("privacy", "erasure", ADMIN):
        with database.connect(role, autocommit=True) as conn:
            for statement in (f"update consent.{table} set {column} = now()", f"truncate consent.{table} cascade"):
                with pytest.raises(psycopg.Error, match=r"append-only|permission denied"):
                    conn.execute(statement.encode())
            if role != "erasure":
                with pytest.raises(psycopg.errors.RaiseException, match=rf"consent\.{table} is append-only"):
                    conn.execute(f"delete from consent.{table}".encode())
    if table != "notices":
        with database.connect("erasure") as conn:
            assert conn.execute(f"delete from consent.{table} where subject = 'u1'".encode()).rowcount == 1


def test_a_hash_that_is_not_of_the_words_is_refused_by_the_server(database: Database) -> None:
    with database.connect("privacy") as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("insert into consent.notices values ('analytics', 9, 'en', 'words', sha256('other'), now())")
