"""Two ids of one person: one token from the merge on, the right days again, and no way to knot or rewrite it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from privacy.classification import load_rules
from privacy.consent import Decision, get_consent, record_decisions
from privacy.errors import IdentityInputError
from privacy.identities import every_id, others_of, people_of
from privacy.merging import Merged, Verdict, conflicts, decided, merge, spread, take_statements
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.privacy.events import START, event, rule_rows, store
from tests.privacy.test_transform import contents
from warehouse.database import ADMIN, Database

DAY = timedelta(days=1)
LATER = START + 99 * DAY
WHY: dict[str, Any] = {"by": "anna", "reason": "asked by phone", "at": LATER}


def test_statements_make_a_forest_in_their_order() -> None:
    said = [("a1", "u1"), ("a2", "u1"), ("a1", "u1"), ("a3", "a1"), ("u1", "a3")]
    assert decided(said, {}, []) == Verdict((("a1", "u1"), ("a2", "u1"), ("a3", "u1")), ())


@pytest.mark.parametrize(
    ("said", "people", "identified"),
    [
        ([("a", "u"), ("a", "w")], {}, []),  # a device that two people use
        ([("u", "w")], {"a": "u"}, ["a", "u"]),  # an alias that stands for somebody already
        ([("a", "w")], {"a": "u"}, ["a", "u"]),
    ],
)
def test_two_people_who_are_known_apart_are_joined_by_a_steward_only(
    said: list[tuple[str, str]], people: dict[str, str], identified: list[str]
) -> None:
    assert decided(said, people, identified).conflicts == (said[-1],)
    by_steward = decided(said, people, identified, is_steward=True)
    assert by_steward.conflicts == ()
    assert by_steward.merges[-1] == ("u", "w")


def test_a_no_reaches_the_ids_that_did_not_say_it() -> None:
    people = {"a": "u", "u": "u", "b": "w", "w": "w"}
    assert spread(people, [("a", "sharing"), ("u", "analytics"), ("a", "analytics")]) == [("u", "sharing")]
    assert spread(people, []) == []


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "vault")


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    """A day each of ada, her anonymous id, bob; and a day of all three."""
    users = ("ada", "anon-1", "bob")
    rows = [event(n, {"plan": "pro"}, user_id=users[n], created_at=START + n * DAY) for n in range(3)]
    rows += [event(10 + n, {"plan": "pro"}, user_id=users[n], created_at=START + 5 * DAY) for n in range(3)]
    with database.connect("collection") as collection:
        store(collection, rows)
    with database.connect("privacy") as privacy:
        load_rules(privacy, rule_rows(), START)
        consents(privacy, "grant", *users)
        yield privacy


def consents(conn: psycopg.Connection, decision: str, *users: str, purpose: str = "analytics", days: int = -9) -> None:
    at = START + days * DAY
    record_decisions(conn, [Decision(user, purpose, decision, at, at, "t", "api") for user in users])


def tokens(conn: psycopg.Connection, day: date) -> int:
    row = conn.execute(
        "select count(distinct subject) from safe.pseudonymous_events where event_day = %s", (day,)
    ).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.integration
def test_a_merge_makes_one_token_and_exactly_the_days_of_the_merged_id_again(
    conn: psycopg.Connection, vault: Vault
) -> None:
    transform_days(conn, pending_days(conn), vault)
    last = (START + 5 * DAY).date()
    assert (pending_days(conn), tokens(conn, last)) == ([], 3)
    assert merge(conn, [("anon-1", "ada")], **WHY) == Merged(1, 0, 2)
    assert pending_days(conn) == [(START + DAY).date(), last]
    transform_days(conn, pending_days(conn), vault)
    assert (pending_days(conn), tokens(conn, last)) == ([], 2)
    after = contents(conn)
    transform_days(conn, [(START + n * DAY).date() for n in range(6)], vault)
    assert contents(conn) == after
    assert merge(conn, [("anon-1", "ada")], **WHY) == Merged()
    assert pending_days(conn) == []


@pytest.mark.integration
def test_merging_equals_a_log_in_which_the_ids_were_one_from_the_start(template: Database, vault: Vault) -> None:
    """40 people with up to three ids each, sharing and crowds included: equal byte for byte, tokens too."""
    from tests.conftest import cloned

    random = Random(7)  # noqa: S311
    people = {f"{name}{n}": f"u{n}" for n in range(40) for name in random.sample(("a", "b"), random.randrange(3))}
    ids = [*people, *(f"u{n}" for n in range(40))]
    rows = [
        event(
            n, {"plan": random.choice(("pro", "team"))}, user_id=random.choice([*ids, None]),
            created_at=START + timedelta(hours=random.randrange(96)), persona_id=random.choice(("p1", None)),
            session_id=random.choice(("s1", "s2", None)), action=random.choice(("view", "edit", "send")),
        )
        for n in range(900)
    ]  # fmt: skip
    found = []
    for names in ({}, people):
        with cloned(template) as database, database.connect(ADMIN) as conn:
            store(conn, [row | {"user_id": names.get(row["user_id"], row["user_id"])} for row in rows])
            load_rules(conn, rule_rows(), START)
            for purpose in ("analytics", "sharing"):
                consents(conn, "grant", *sorted({names.get(name, name) for name in ids}), purpose=purpose)
            if not names:
                transform_days(conn, pending_days(conn), vault)
                merged = take_statements(conn, people.items(), source="web", at=LATER)
                assert merged.n_merged == len(people)
            transform_days(conn, pending_days(conn), vault)
            found.append(contents(conn))
    assert found[0] == found[1]
    assert len(found[0]["safe.anonymous_events"]) > 100


@pytest.mark.integration
def test_a_no_of_one_id_is_one_of_all_until_the_person_says_otherwise(conn: psycopg.Connection, vault: Vault) -> None:
    consents(conn, "withdraw", "anon-1", days=8)
    consents(conn, "grant", "bob", purpose="sharing")
    merge(conn, [("anon-1", "ada")], **WHY)
    assert get_consent(conn, "ada")["analytics"] == "withdraw"
    assert get_consent(conn, "bob")["analytics"] == "grant"
    assert len(pending_days(conn)) == 4
    transform_days(conn, pending_days(conn), vault)
    assert conn.execute("select count(*) from safe.pseudonymous_events").fetchone() == (2,)
    consents(conn, "grant", "ada", days=100)
    assert get_consent(conn, "anon-1")["analytics"] == "grant"
    transform_days(conn, pending_days(conn), vault)
    assert conn.execute("select count(*) from safe.pseudonymous_events").fetchone() == (6,)


@pytest.mark.integration
def test_a_merge_and_a_decision_at_one_time_miss_nothing(conn: psycopg.Connection, database: Database) -> None:
    """While a decision is being recorded a merge waits, so that it sees it."""
    with database.connect("privacy") as other, other.transaction():
        record = "lock table consent.consent_events in row exclusive mode"
        other.execute(record.encode())
        conn.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            merge(conn, [("anon-1", "ada")], **WHY)
    conn.rollback()
    assert people_of(conn, ["anon-1"]) == {}


@pytest.mark.integration
def test_what_a_source_states_waits_for_a_steward_where_it_would_join_two_people(conn: psycopg.Connection) -> None:
    said = [("anon-1", "ada"), ("anon-1", "bob"), ("", "ada")]
    assert take_statements(conn, said, source="web", at=LATER) == Merged(1, 1, 2)
    assert take_statements(conn, said, source="web", at=LATER) == Merged(0, 0, 0)
    assert [row[:3] for row in conflicts(conn)] == [("anon-1", "bob", "web")]
    assert merge(conn, [("anon-1", "bob")], **WHY).n_merged == 1
    assert conflicts(conn) == []
    assert people_of(conn, ["ada", "anon-1", "bob", "new"]) == {"ada": "bob", "anon-1": "bob"}
    assert others_of(conn, ["anon-1", "new"]) == {"anon-1": ("ada", "bob")}
    assert every_id(conn, ["ada"]) == ("ada", "anon-1", "bob")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alias": "ada"}, "two different ids"),
        ({"alias": " "}, "two different ids"),
        ({"alias": "nobody"}, "unknown"),
        ({"by": ""}, "no way back"),
        ({"reason": "ada said so"}, "holds an id"),
    ],
)
def test_what_is_no_merge_is_refused(conn: psycopg.Connection, given: dict[str, str], message: str) -> None:
    with pytest.raises(IdentityInputError, match=message):
        merge(conn, [(given.get("alias", "anon-1"), "ada")], **(WHY | {k: v for k, v in given.items() if k != "alias"}))
    assert people_of(conn, ["anon-1", "ada"]) == {}


ROW = "insert into privacy.identity_merges values (default, '{}', '{}', true, 's', 'b', 'r', now())"


@pytest.mark.integration
@pytest.mark.parametrize(
    "planted",
    [
        ROW.format("ada", "anon-1"),  # a circle
        ROW.format("bob", "anon-1"),  # not the id that the person goes by
        ROW.format("anon-1", "bob"),  # two people behind one id
        ROW.format("bob", "bob"),
        "update privacy.identity_merges set same_as_user_id = 'bob'",
        "delete from privacy.identity_merges",
    ],
)
def test_the_server_refuses_a_knot_and_a_change(conn: psycopg.Connection, database: Database, planted: str) -> None:
    merge(conn, [("anon-1", "ada")], **WHY)
    with database.connect(ADMIN) as admin, pytest.raises(psycopg.Error):
        admin.execute(planted.encode())
    assert people_of(conn, ["anon-1", "bob"]) == {"anon-1": "ada"}


@pytest.mark.integration
@pytest.mark.parametrize("stage", ["dbt", "ml", "quality", "collection"])
def test_no_stage_below_reads_who_is_whom(database: Database, stage: str) -> None:
    with database.connect(stage) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select user_id from privacy.identity_merges")
