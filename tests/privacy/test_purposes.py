"""The registry of purposes is complete, and the rules of methods are the database's own."""

from __future__ import annotations

import itertools
from dataclasses import replace

import psycopg
import pytest

from privacy.consent import DECISIONS
from privacy.decisions import CARRIED
from privacy.methods import GPC_PURPOSES, METHODS
from privacy.purposes import DEFAULTS, LANGUAGES, PURPOSES
from privacy.receipts import LEGAL_BASES
from tests.privacy.events import START
from warehouse.database import Database

SEEDS = {
    "data_collection": ("basic application functionality", "limited features"),
    "analytics": ("performance improvement", "none"),
    "osint_enrichment": ("profile enrichment from public sources", "reduced personalization"),
    "marketing": ("promotional communications", "no marketing emails"),
}


def test_every_purpose_has_words_in_every_language_and_known_terms() -> None:
    for purpose in PURPOSES.values():
        assert set(purpose.texts) == set(LANGUAGES), purpose.name
        assert all(len(text) > 60 for text in purpose.texts.values()), purpose.name
        assert purpose.legal_basis in LEGAL_BASES
        assert purpose.default in DEFAULTS
        assert purpose.version >= 1
        assert purpose.concept.startswith("dpv:")
    assert len({text for purpose in PURPOSES.values() for text in purpose.texts.values()}) == 2 * len(PURPOSES)


def test_the_purposes_that_were_asked_for_and_those_that_events_carry_are_there() -> None:
    assert {name: (PURPOSES[name].scope, PURPOSES[name].opt_out_impact) for name in SEEDS} == SEEDS
    assert [purpose.name for purpose in PURPOSES.values() if purpose.required] == ["data_collection"]
    assert {purpose.name for purpose in PURPOSES.values() if purpose.default == "deny"} == {"model_training", "sharing"}
    assert set(CARRIED) | set(GPC_PURPOSES) <= set(PURPOSES)


def accepts(conn: psycopg.Connection, method: str, decision: str, purpose: str) -> bool:
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(
                "insert into consent.consent_events (subject, purpose, decision, decided_at, received_at, source, "
                "method, fingerprint) values ('u', %s, %s, %s, %s, 's', %s, 'x')",
                (purpose, decision, START, START, method),
            )
    except psycopg.errors.CheckViolation:
        return False
    return True


@pytest.mark.integration
def test_the_database_and_the_registry_agree_on_every_method_decision_and_purpose(database: Database) -> None:
    cases = list(itertools.product((*METHODS, "click"), DECISIONS, PURPOSES))
    unknown = replace(METHODS["dismiss"], name="click")
    with database.connect("privacy") as conn:
        found = {case: accepts(conn, *case) for case in cases}
    assert found == {case: METHODS.get(case[0], unknown).allows(case[1], case[2]) for case in cases}
    assert not any(ok for (method, *_), ok in found.items() if method == "dismiss")
    assert {case[2] for case, ok in found.items() if case[0] == "gpc" and ok} == set(GPC_PURPOSES)
