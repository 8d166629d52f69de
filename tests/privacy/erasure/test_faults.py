"""Every fault ends in an erasure that is not complete and that the same call completes once the cause is gone."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from privacy.erasure import state
from privacy.erasure.erasure import erase, receipt_path
from privacy.erasure.errors import (
    ErasureError,
    HeldSubjectError,
    InertPredicateError,
    MergedIdentityError,
    ReadOnlyTargetError,
    SurvivingRowsError,
    UncoveredCarrierError,
)
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.receipt import check
from privacy.erasure.sealed import associated_data
from privacy.erasure.stores import Stores
from privacy.erasure.targets import TARGETS, Key, Rule, Target, deletable
from tests.privacy.erasure.world import ALIAS, NOW, OTHER, PERSON, contents, insert_event
from warehouse.database import ADMIN

REQUEST = "request-1"
STEPS = (
    "open", "prepare", "taint", "plan",
    *(f"delete {target.name}" for target in deletable(TARGETS)), "deleted raw.system_logs.user_id",
    "files", "samples", "verify", "mentions", "forget", "receipt", "ledger", "close",
)  # fmt: skip


def run(stores: Stores, watch: Callable[[str], None] = lambda _: None) -> None:
    erase(stores, PERSON, aliases=[ALIAS], request_id=REQUEST, now=NOW, watch=watch)


def status(stores: Stores) -> str | None:
    with stores.database.connect("erasure") as conn:
        found = state.fetch(conn, state.identify(REQUEST), stores.vault)
    return found.status if found else None


def assert_completes(stores: Stores) -> None:
    needles = SubjectKeys.of((PERSON, ALIAS), stores.vault).needles() if status(stores) is None else _known(stores)
    assert needles, "without names nothing could be found"
    run(stores)
    assert status(stores) == "complete"
    check(json.loads(receipt_path(stores.home, state.identify(REQUEST)).read_text()))
    assert [n for n, texts in contents(stores).items() if any(w in text for w in needles for text in texts)] == []


def _known(stores: Stores) -> tuple[str, ...]:
    with stores.database.connect("erasure") as conn:
        found = state.fetch(conn, state.identify(REQUEST), stores.vault)
    assert found
    return found.keys.needles() if found.keys else ()


def killed_at(stores: Stores, step: str) -> int:
    """The exit code of a process of its own that kills itself, as nothing else could be told, before a step."""

    def kill(now_at: str) -> None:
        if now_at == step:
            os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=run, args=(stores, kill))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def test_a_kill_at_every_step_is_not_complete_and_goes_on(stores: Stores) -> None:
    """One erasure killed before each of its steps in turn: the next call gets one step further."""
    for step in STEPS:
        assert killed_at(stores, step) == -signal.SIGKILL, step
        assert status(stores) != "complete", step
    assert_completes(stores)


def test_a_target_that_the_registry_lacks(stores: Stores) -> None:
    before = contents(stores)["raw.system_logs"]
    for table in ("features.ftr_user_weekly", "raw.event_keys", "raw.quarantine"):
        lacking = replace(stores, targets=tuple(target for target in TARGETS if target.table != table))
        with pytest.raises(UncoveredCarrierError, match=table):
            run(lacking)
    assert contents(stores)["raw.system_logs"] == before
    assert_completes(stores)


TYPOS = (
    Target("features.ftr_user_weekly", "subject", Key.USER),
    Target("features.ftr_user_weekly", "subject", Key.TOKEN, own_predicate="subject = any(%(users)s)"),
    Target("features.ftr_user_weekly", "subject", Key.TOKEN, own_predicate="cutoff_on::text = any(%(tokens)s)"),
    Target("features.ftr_user_weekly", "subject", Key.TOKEN, own_predicate="subject = any(%(tokens)s) and false"),
    Target("features.ftr_user_weekly", "n_events", Key.TOKEN),
    Target("raw.event_keys", "id", Key.EVENT, own_predicate="id = %(erasure)s"),
)


def test_a_predicate_with_a_typo(stores: Stores) -> None:
    for typo in TYPOS:
        targets = tuple(typo if target.table == typo.table else target for target in TARGETS)
        with pytest.raises((InertPredicateError, UncoveredCarrierError)):
            run(replace(stores, targets=targets))
        assert status(stores) != "complete", typo.predicate
    assert_completes(stores)


def test_an_event_that_comes_meanwhile(stores: Stores) -> None:
    """Back-dated, and by a way that does not ask the ledger."""

    def arrive(now_at: str) -> None:
        if now_at == "verify":
            insert_event(stores.database, PERSON, 77)

    with pytest.raises(SurvivingRowsError, match=r"raw\.system_logs"):
        run(stores, arrive)
    assert status(stores) == "surviving"
    assert stores.ledger.is_erased([PERSON, OTHER], NOW) == {PERSON}
    assert_completes(stores)


def test_an_identity_that_was_merged(stores: Stores) -> None:
    """The alias shares a persona: without it the erasure stops, with it the same request completes."""
    insert_event(stores.database, ALIAS, 50, persona=f"persona-{PERSON}")
    with pytest.raises(MergedIdentityError, match="aliases"):
        erase(stores, PERSON, request_id=REQUEST, now=NOW)
    assert status(stores) == "running"
    assert_completes(stores)


def test_a_persona_of_many_is_a_role(stores: Stores) -> None:
    """It says nothing about who is who, and its rows without a user are not the person's."""
    for user in (PERSON, None, *(f"colleague-{number}" for number in range(7))):
        insert_event(stores.database, user, 60, persona="analyst")
    run(stores)
    with stores.database.connect("privacy") as conn:
        row = conn.execute("select count(*) from raw.system_logs where persona_id = 'analyst'").fetchone()
    assert row == (8,)


def test_a_table_that_refuses(stores: Stores) -> None:
    with stores.database.connect(ADMIN) as conn:
        role = stores.database.role("erasure")
        conn.execute(f'revoke delete on features.lbl_user_churn from "{role}"'.encode())
    with pytest.raises(ReadOnlyTargetError, match="lbl_user_churn"):
        run(stores)
    assert status(stores) == "running"
    with stores.database.connect("dbt") as conn:
        conn.execute(f'grant delete on features.lbl_user_churn to "{role}"'.encode())
    assert_completes(stores)


def test_a_file_that_nothing_may_change(stores: Stores) -> None:
    """A key in a file of a kind that no rule cleans: it is found, and a person has to look."""
    path = stores.home / "notes.bin"
    path.write_bytes(b"\x00" + ALIAS.encode())
    with pytest.raises(SurvivingRowsError, match=r"\*\.bin"):
        run(stores)
    path.unlink()
    assert_completes(stores)


def test_a_table_of_a_tool_that_holds_a_key(stores: Stores) -> None:
    with stores.database.connect("mlflow") as conn:
        conn.execute("create table mlflow.tags (value text)")
        conn.execute("insert into mlflow.tags values (%s)", (f"trained for {PERSON}",))
    with pytest.raises(SurvivingRowsError, match=r"mlflow\.tags"):
        run(stores)
    with stores.database.connect("mlflow") as conn:
        conn.execute("delete from mlflow.tags")
    assert_completes(stores)


def test_a_legal_hold(stores: Stores) -> None:
    with stores.database.connect("privacy") as conn:
        conn.execute(
            "insert into privacy.legal_holds (subject, placed_by, reason, placed_at) "
            "values (%s, 'officer', 'court', %s)",
            (PERSON, NOW),
        )
    with pytest.raises(HeldSubjectError):
        run(stores)
    with stores.database.connect("privacy") as conn:
        conn.execute(
            "update privacy.legal_holds set ends_at = %s, released_by = 'officer', release_reason = 'over'", (NOW,)
        )
    assert_completes(stores)


def test_no_error_names_the_person(stores: Stores) -> None:
    (stores.home / "logs" / f"{PERSON}.bin").write_bytes(PERSON.encode())
    with pytest.raises(ErasureError) as caught:
        run(stores)
    assert not any(needle in str(caught.value) for needle in _known(stores))


def test_a_kept_target_has_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Target("a.b", "c", Key.MEMBER, Rule.KEEP)


def test_collection_seals_with_the_same_data() -> None:
    from collection.importer import associated_data as of_collection

    assert associated_data("import-1", 7) == of_collection("import-1", 7)
