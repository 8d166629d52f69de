"""A person is gone from everywhere, others are as they were, and the receipt says so on any machine."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from privacy import signing
from privacy.erasure.erasure import erase, plan, receipt_path
from privacy.erasure.errors import ErasureInputError, InvalidReceiptError, SurvivingRowsError
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.receipt import Receipt, StoreProof, TargetProof, check
from privacy.erasure.stores import Stores
from privacy.errors import InvalidSignatureError
from privacy.merging import merge, take_statements
from tests.privacy.erasure.world import (
    ALIAS,
    NOW,
    OTHER,
    PERSON,
    SETS,
    THIRD,
    Members,
    contents,
    insert_event,
)
from warehouse.database import ADMIN
from warehouse.developers import add_developer

REQUEST = "request-1"
CHANGING = ("privacy.", "raw.event_days", "safe.event_days", "pg_stats", "file erasures", "file vault", "warehouse.")


def places(found: dict[str, list[str]], needles: tuple[str, ...]) -> list[str]:
    return [name for name, texts in found.items() if any(needle in text for needle in needles for text in texts)]


def test_a_person_is_gone_and_others_are_as_they_were(stores: Stores) -> None:
    needles = SubjectKeys.of((PERSON, ALIAS), stores.vault).needles()
    before = contents(stores)
    assert len(places(before, needles)) >= 12
    receipt = erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    after = contents(stores)
    assert places(after, needles) == []
    check(receipt)
    # Whatever is left was there before; the one event that mentioned the person lost the mention and nothing else.
    for name, texts in after.items():
        if not name.startswith(CHANGING) and name != "raw.system_logs" and not name.startswith("file"):
            assert set(texts) <= set(before[name]), name
    old = [row for row in before["raw.system_logs"] if f"persona-{PERSON}" not in row and f"persona-{ALIAS}" not in row]
    changed = set(after["raw.system_logs"]) - set(old)
    assert len(changed) == 1
    assert "[erased]" in changed.pop()
    assert len(after["raw.system_logs"]) == len(old)


def test_each_store_keeps_the_rows_of_others(stores: Stores) -> None:
    tokens = SubjectKeys.of((OTHER, THIRD), stores.vault).tokens
    before = contents(stores)
    erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    after = contents(stores)
    for needle in (*tokens, OTHER, THIRD):
        for name, texts in before.items():
            if not name.startswith(("pg_stats", "raw.system_logs", "file exports/package")):
                theirs = [line for text in texts for line in text.splitlines() if needle in line]
                assert [line for text in after[name] for line in text.splitlines() if needle in line] == theirs, name


def test_the_receipt_counts_what_was_there(stores: Stores) -> None:
    copy = copy_of_a_developer(stores)
    planned = plan(stores, PERSON, [ALIAS])
    assert exists(stores, copy), "a plan changes nothing"
    receipt = erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    rows = {row["target"]: row for row in receipt["targets"]}
    assert (rows["raw.system_logs.user_id"]["before"], rows["raw.system_logs.user_id"]["deleted"]) == (8, 8)
    assert rows["raw.system_logs.persona_id"]["deleted"] == 1
    assert rows["raw.event_keys.id"]["deleted"] == 9
    assert rows["safe.anonymous_events.anonymous_id"]["deleted"] == 8
    assert rows["ml.training_subjects.blinded_subject"]["deleted"] == 3
    assert rows["raw.quarantine.sealed"]["deleted"] == 2
    assert rows["raw.system_logs (mentions)"]["deleted"] == 1
    assert rows["files"]["deleted"] == 3
    assert all(row["after"] == 0 for row in receipt["targets"])
    assert planned["features.ftr_user_weekly.subject"] == rows["features.ftr_user_weekly.subject"]["before"] == 2
    assert [model["training_set"] for model in receipt["tainted_models"]] == sorted(SETS)
    assert isinstance(stores.models, Members)
    assert set(stores.models.tainted) == set(SETS)
    (figures,) = [row for row in receipt["aggregates"] if row["table"] == "aggregates.agg_company_day"]
    assert figures["before"] == figures["after"] != ""
    assert receipt["restated_days"] > 0
    assert not exists(stores, copy)


def copy_of_a_developer(stores: Stores) -> str:
    """A table that a developer of dbt models made of the person's rows, which no target of an erasure knows."""
    _, schema = add_developer(stores.database, "anna", "x")
    with stores.database.connect(ADMIN) as conn:
        conn.execute(f"create table {schema}.copy as select subject from safe.pseudonymous_events".encode())
    return f"{schema}.copy"


def exists(stores: Stores, table: str) -> bool:
    with stores.database.connect(ADMIN) as conn:
        return conn.execute("select to_regclass(%s)", (table,)).fetchone() != (None,)


def test_days_count_what_is_left(stores: Stores) -> None:
    erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    with stores.database.connect("privacy") as conn:
        wrong = conn.execute(
            "select count(*) from raw.event_days d where n_events <> "
            "(select count(*) from raw.system_logs l where l.event_day = d.event_day)"
        ).fetchone()
        unlike = conn.execute(
            "select count(*) from safe.event_days d where (n_pseudonymous, n_anonymous) <> "
            "((select count(*) from safe.pseudonymous_events p where p.event_day = d.event_day), "
            "(select count(*) from safe.anonymous_events a where a.event_day = d.event_day))"
        ).fetchone()
    assert (wrong, unlike) == ((0,), (0,))


def test_days_whose_crowd_got_smaller_are_built_again(stores: Stores) -> None:
    """Others must not stand out because somebody left; figures that move by it are announced."""
    erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    with stores.database.connect("privacy") as conn:
        dirty = {row[0] for row in conn.execute("select event_day from privacy.dirty_days where cause = 'erasure'")}
        told = conn.execute("select table_name, event_day from privacy.restatements where cause = 'erasure'").fetchall()
    assert len(dirty) == 3
    assert {day for table, day in told if table == "aggregates.agg_company_day"} == dirty


def test_erasing_twice_is_erasing_once(stores: Stores) -> None:
    first = erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    after = contents(stores)
    assert erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW + timedelta(days=1)) == first
    assert contents(stores) == after
    again = erase(stores, PERSON, aliases=[ALIAS], request_id="request-2", now=NOW)
    assert sum(row["deleted"] for row in again["targets"]) == 0


def test_consent_is_proven_blinded_only(stores: Stores) -> None:
    erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    with stores.database.connect("privacy") as conn:
        rows = conn.execute("select blinded_subject, purpose, decision from privacy.erased_consents").fetchall()
    assert {(bytes(row[0]), row[1], row[2]) for row in rows} == {
        (stores.ledger.blinder.text(user), "analytics", "grant") for user in (PERSON, ALIAS)
    }


def test_an_empty_id_is_refused(stores: Stores) -> None:
    with pytest.raises(ErasureInputError):
        erase(stores, " ", request_id=REQUEST, now=NOW)


def test_a_receipt_with_something_left_cannot_be_made(stores: Stores) -> None:
    store = (StoreProof("files", 1, 1, 0),)

    def receipt(after: int, stores_: tuple[StoreProof, ...], salts: int = 0) -> Receipt:
        target = TargetProof("t", "delete", "", "", 1, 1, after)
        return Receipt(REQUEST, "e", b"", 1, NOW, NOW, (target,), stores_, (), (), "", 0, salts)

    receipt(0, store)
    for after, searched, salts in (
        (1, store, 0),
        (-1, store, 0),
        (0, (), 0),
        (0, store, 1),
        (0, (StoreProof("f", 1, 1, 2),), 0),
    ):
        with pytest.raises(SurvivingRowsError):
            receipt(after, searched, salts)
    with stores.database.connect("erasure") as conn, pytest.raises(Exception, match="not complete"):
        conn.execute("insert into privacy.erasures values ('e', 'r', '', 'complete', null, '[]', now(), now(), 'x')")


def test_a_changed_receipt_is_refused(stores: Stores) -> None:
    receipt = erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW)
    assert json.loads(receipt_path(stores.home, receipt["erasure_id"]).read_text()) == receipt
    changed = json.loads(json.dumps(receipt))
    changed["targets"][0]["before"] += 1
    with pytest.raises(InvalidSignatureError):
        check(changed)
    unsigned = {name: value for name, value in changed.items() if name != "signature"}
    with pytest.raises(InvalidReceiptError, match="digests"):
        check(signing.sign(unsigned, stores.vault))
    with pytest.raises(InvalidReceiptError):
        check(signing.sign({"type": "a letter"}, stores.vault))


@pytest.mark.parametrize("user", ["42", "u%_1\\x", 'quo"ted-name', "jürgen-müller"])
def test_ids_of_any_kind_are_found(stores: Stores, user: str) -> None:
    """Short ones as whole values, odd ones as they are escaped in text and JSON."""
    for number in range(2):
        insert_event(stores.database, user, number)
    insert_event(stores.database, THIRD, 20, data=json.dumps({"by": user, "n": "1042"}))
    insert_event(stores.database, THIRD, 21, data=json.dumps({"by": "someone else 1042"}))
    receipt = erase(stores, user, request_id=REQUEST, now=NOW)
    rows = {row["target"]: row for row in receipt["targets"]}
    assert rows["raw.system_logs.user_id"]["deleted"] == 2
    assert rows["raw.system_logs (mentions)"]["deleted"] == 1
    with stores.database.connect("privacy") as conn:
        found = conn.execute("select data from raw.system_logs where id = %s", (f"event-{THIRD}-20",)).fetchone()
    assert found == ({"by": "[erased]", "n": "1042"},)


@pytest.mark.parametrize("named", [PERSON, ALIAS])
def test_either_id_of_a_person_leads_to_both(stores: Stores, named: str) -> None:
    """Nobody names an alias; a statement that waits for a steward goes with the person, too."""
    with stores.database.connect("privacy") as conn:
        merge(conn, [(ALIAS, PERSON)], by="anna", reason="asked", at=NOW)
        take_statements(conn, [(ALIAS, OTHER)], source="web", at=NOW)
    needles = SubjectKeys.of((PERSON, ALIAS), stores.vault).needles()
    check(erase(stores, named, request_id=REQUEST, now=NOW))
    after = contents(stores)
    assert places(after, needles) == []
    assert after["privacy.identity_merges"] == []
    assert any(OTHER in row for row in after["raw.system_logs"])
    assert stores.ledger.is_erased([PERSON, ALIAS, OTHER], NOW) == {PERSON, ALIAS}


def test_an_id_that_is_merged_while_an_erasure_lies_still_goes_with_it(stores: Stores) -> None:
    def killed(step: str) -> None:
        if step == "delete raw.system_logs.user_id":
            raise KeyboardInterrupt

    needles = SubjectKeys.of((PERSON, ALIAS), stores.vault).needles()
    with pytest.raises(KeyboardInterrupt):
        erase(stores, PERSON, request_id=REQUEST, now=NOW, watch=killed)
    with stores.database.connect("privacy") as conn:
        merge(conn, [(ALIAS, PERSON)], by="anna", reason="asked", at=NOW)
    check(erase(stores, PERSON, request_id=REQUEST, now=NOW))
    assert places(contents(stores), needles) == []
