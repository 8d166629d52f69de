"""When people were last seen outlives their events; who is silent for two years or deleted the account is named."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from privacy.consent import Decision, record_decisions
from privacy.merging import merge
from privacy.retention import holds
from privacy.retention.accounts import ended
from privacy.retention.execution import run
from privacy.retention.terms import terms
from tests.privacy.retention.world import NOW, Event, ago, put_events, tokens
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
LATER = NOW + timedelta(days=740)


def named(database: Database, now: datetime) -> set[tuple[str, str, bool]]:
    with database.connect("erasure") as conn:
        run(conn, None, tokens, now)
        return {(e.subject, str(e.ending), e.is_held) for e in ended(conn, terms(conn, now))}


def test_who_fell_silent_is_named_when_every_event_is_long_gone(database: Database) -> None:
    put_events(database, [Event("a", ago(10), "silent"), Event("b", ago(10), "held"), Event("c", ago(10), "active")])
    put_events(database, [Event("d", ago(10), None)])
    with database.connect("privacy") as conn:
        at = NOW - timedelta(days=20)
        record_decisions(conn, [Decision("decided", "analytics", "grant", at, at, "t", "api")])
        holds.place(conn, placed_by="counsel", reason="case", now=NOW, subject="held")
    assert named(database, NOW) == set()
    put_events(database, [Event("e", LATER.date() - timedelta(days=5), "active")])
    silent = {("silent", "inactive_users", False), ("held", "inactive_users", True)}
    assert named(database, LATER) == silent | {("decided", "inactive_users", False)}
    with database.connect("privacy") as conn:  # a decision is a sign of life
        record_decisions(conn, [Decision("decided", "analytics", "withdraw", LATER, LATER, "t", "api")])
    assert named(database, LATER) == silent
    with database.connect(ADMIN) as conn:
        assert conn.execute("select count(*) from raw.system_logs where user_id = 'silent'").fetchone() == (0,)


def test_a_deleted_account_is_named_after_thirty_days_unless_the_person_came_back(database: Database) -> None:
    put_events(database, [Event(f"g{n}", ago(31), user, action="account_deleted") for n, user in enumerate("xyz")])
    put_events(database, [Event("w", ago(30), "w", action="account_deleted"), Event("late", ago(3), "x")])
    put_events(database, [Event("back", ago(29), "y", action="signup")])
    assert named(database, NOW) == {(user, "deleted_accounts", False) for user in "xz"}
    put_events(database, [Event("again", ago(1), "z", action="account_restored")])
    assert named(database, NOW) == {("x", "deleted_accounts", False)}
    assert {user for user, *_ in named(database, NOW + timedelta(days=1))} == {"x", "w"}


def test_an_id_that_its_person_left_behind_is_silent_with_the_person_only(database: Database) -> None:
    put_events(database, [Event("a", ago(10), "anon"), Event("b", ago(10), "ada"), Event("c", ago(10), "other")])
    with database.connect("privacy") as conn:
        merge(conn, [("anon", "ada")], by="anna", reason="asked", at=NOW)
    put_events(database, [Event("d", LATER.date() - timedelta(days=5), "anon")])
    assert named(database, LATER) == {("other", "inactive_users", False)}
    assert {user for user, *_ in named(database, LATER + timedelta(days=740))} == {"ada", "other"}
