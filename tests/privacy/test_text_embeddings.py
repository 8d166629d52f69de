"""Vectors of prompts and responses in a real PostgreSQL: whose are made, stay and go, and that they say no word."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from privacy.classification import load_rules
from privacy.consent import Decision, record_decisions, record_imported_evidence
from privacy.embeddings import embed
from privacy.text_embeddings import KEY_PURPOSE, PATHS, wanted
from privacy.transform import TransformReport, pending_days, transform_days
from privacy.vault import Vault
from privacy.vault.texts import AI_TEXTS, seal_events
from tests.privacy.events import START, batch, event, rule_rows, store
from warehouse.database import Database

DAY = timedelta(days=1)
PROMPT, ANSWER = "please summarise the quarterly zebrafish report", "the zebrafish doubled"
RULES = (
    ("ai", "/data/prompt", "sensitive", "free_text"),
    ("ai", "/data/response", "sensitive", "free_text"),
    ("ai.chat", "/data/messages/*/content", "personal", "free_text"),
    ("ai", "/data/n_tokens", "non_personal", "count"),
)
ROWS = (
    event(0, {"prompt": PROMPT, "n_tokens": 6}, event_type="ai", action="prompt"),
    event(1, {"response": ANSWER, "n_tokens": 3}, event_type="ai", action="response", session_id="s1"),
    event(2, {"prompt": PROMPT}, event_type="ai", user_id="u2"),
    event(3, {"prompt": PROMPT}, event_type="ai", user_id="no_training"),
    event(4, {"prompt": PROMPT}, event_type="ai", user_id=None),
    event(5, {"completion": ANSWER, "n_tokens": 1}, event_type="ai"),
    event(6, {"messages": [{"content": "one fish"}, {"content": ["two", {"x": "fish"}]}]}, event_type="ai.chat"),
    event(7, {"prompt": "?!", "n_tokens": 1}, event_type="ai"),
    event(8, {"prompt": PROMPT}, event_type="page"),
    event(9, {"prompt": PROMPT}, event_type="ai", data_classification="sensitive"),
)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "vault")


@pytest.fixture
def filled(database: Database, vault: Vault) -> Database:
    with database.connect("collection") as conn:
        store(conn, sealed(ROWS, vault))
    with database.connect("privacy") as conn:
        load_rules(conn, rule_rows(RULES), START)
        first = dict.fromkeys(("u1", "u2"), START - DAY)
        record_imported_evidence(conn, first, ["analytics", "model_training"], "test", "contract", START - DAY)
        record_imported_evidence(conn, {"no_training": START - DAY}, ["analytics"], "test", "contract", START - DAY)
    return database


def sealed(rows: tuple[dict[str, Any], ...], vault: Vault) -> list[dict[str, Any]]:
    table = batch(rows).append_column("fingerprint", pa.array(["\\x00"] * len(rows)))
    found: list[dict[str, Any]] = seal_events(table, vault).drop_columns(["fingerprint"]).to_pylist()
    return found


def transformed(conn: psycopg.Connection, vault: Vault) -> TransformReport:
    return transform_days(conn, pending_days(conn) or [START.date()], vault)


def vectors(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select kind, session is not null, embedding::text, subject, event_id from safe.text_embeddings "
        "order by 1, 2, 3, 5"
    ).fetchall()


@pytest.mark.integration
def test_texts_of_those_who_agreed_become_vectors_that_say_no_word(filled: Database, vault: Vault) -> None:
    """Nobody's, unruled, wordless and labelled ones have none, nor has who agreed to analytics only; twice is once."""
    with filled.connect("privacy") as conn:
        assert transformed(conn, vault).exclusions["no_key"] == 0
        found = vectors(conn)
        assert [row[:2] for row in found] == [("prompt", False)] * 3 + [("response", True)]
        texts = ["one fish\ntwo\nfish", PROMPT, PROMPT, ANSWER]
        expected = {tuple(row) for row in embed(texts, vault.purpose_key(KEY_PURPOSE)).tolist()}
        assert {tuple(np.array(row[2][1:-1].split(","), np.float32).tolist()) for row in found} == expected
        assert len({row[3] for row in found}) == 2
        with conn.cursor().copy("copy safe.text_embeddings to stdout (format binary)") as copy:
            everything = b"".join(bytes(part) for part in copy)
        assert not [word for word in (PROMPT + " " + ANSWER).split() if word.encode() in everything]
        transform_days(conn, [START.date()], vault)
        assert vectors(conn) == found


@pytest.mark.integration
def test_a_withdrawal_ends_vectors_and_the_end_of_a_text_does_not(filled: Database, vault: Vault) -> None:
    with filled.connect("privacy") as conn:
        transformed(conn, vault)
        before = vectors(conn)
        with filled.connect("erasure") as other:
            other.execute("update raw.system_logs set data = data - 'prompt' - 'response' where user_id = 'u1'")
        transform_days(conn, [START.date()], vault)
        assert vectors(conn) == before
        gone = Decision("u1", "model_training", "withdraw", START + DAY, START + DAY, "portal", "save")
        record_decisions(conn, [gone])
        transformed(conn, vault)
        assert [row[0] for row in vectors(conn)] == ["prompt"]


@pytest.mark.integration
def test_a_text_whose_key_is_gone_has_no_vector_and_is_counted(filled: Database, vault: Vault) -> None:
    with filled.connect("privacy") as conn:
        transformed(conn, vault)
        assert len(vectors(conn)) == 4
        vault.forget(["u2"])
        report = transform_days(conn, [START.date()], vault)
        assert len(vectors(conn)) == 3
        assert report.exclusions["no_key"] == 1
        counted = "select event_type, path, n from safe.exclusions where reason = 'no_key'"
        assert conn.execute(counted.encode()).fetchall() == [("ai", "/data/prompt", 1)]


@pytest.mark.integration
def test_a_ruling_against_a_path_takes_its_vectors_along(filled: Database, vault: Vault) -> None:
    with filled.connect("privacy") as conn:
        transformed(conn, vault)
        against = rule_rows([("ai", "/data/prompt", "personal", "free_text")])[0] | {"treatment": "drop"}
        load_rules(conn, [against], START)
        transformed(conn, vault)
        assert [row[0] for row in vectors(conn)] == ["prompt", "response"]


def test_a_log_without_texts_costs_nothing() -> None:
    """The vault is not asked, no row is looked at."""
    from privacy.policy import CompiledPolicy, make_rule

    policy = CompiledPolicy.of([make_rule("page", "/data/prompt", "sensitive", "free_text")])
    assert wanted(batch([event(1, {"prompt": PROMPT})]), pa.table({}), policy, bytes(32)) is None


def test_every_text_that_is_read_is_one_that_is_sealed() -> None:
    assert {path for paths in PATHS.values() for path in paths} == set(AI_TEXTS[0].paths) - {"/data/feedback_text"}
