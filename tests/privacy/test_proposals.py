"""Proposals from names, profiles and sampled detection: harmless only where the evidence says so, and never a value."""

from __future__ import annotations

import pytest

from privacy.detection.gazetteer import Gazetteer
from privacy.detection.names import NameFinder
from privacy.policy import make_rule
from privacy.proposals import NAMES, propose

PEOPLE = NameFinder(Gazetteer(frozenset({"ada", "grace"}), frozenset({"lovelace", "hopper"}), frozenset(), frozenset()))


def strings(*texts: str) -> list[tuple[str, str]]:
    return [("string", text) for text in texts]


def test_a_path_without_evidence_is_proposed_as_personal() -> None:
    assert propose("/data/xyz", []).klass == "personal"
    assert propose("/data/xyz", strings(*(f"word {n}" for n in range(100)))).klass == "personal"
    assert propose("/data/n_items", strings("three")).klass == "personal"
    assert propose("/data/password", strings("x")).klass == "sensitive"


@pytest.mark.parametrize(
    ("path", "text", "klass", "kind"),
    [
        ("/data/contact", "ada@example.com", "personal", "email"),
        ("/data/x", "+44 20 7946 0958", "personal", "phone"),
        ("/data/x", "123-45-6789", "personal", "ssn"),
        ("/data/x", "4111 1111 1111 1111", "personal", "credit_card"),
        ("/data/x", "DE89370400440532013000", "personal", "iban"),
        ("/data/x", "203.0.113.7", "personal", "ip_address"),
        ("/data/x", "https://example.com/u/7", "personal", "url"),
        ("/data/x", "12 Baker Street, London", "personal", "postal_address"),
        ("/data/x", "AKIAIOSFODNN7EXAMPLE", "sensitive", "text"),
        ("/data/x", "please mail it to ada@example.com before noon", "personal", "free_text"),
        ("/data/x", "Ada Lovelace", "personal", "full_name"),
        ("/data/password", "ada@example.com", "sensitive", "text"),
    ],
)
def test_what_values_look_like(path: str, text: str, klass: str, kind: str) -> None:
    proposal = propose(path, strings(*[text] * 40), PEOPLE)
    assert (proposal.klass, proposal.kind) == (klass, kind)
    assert text not in proposal.why
    assert 0 < proposal.confidence <= 1


def test_one_finding_among_many_values_is_enough_to_be_personal() -> None:
    proposal = propose("/data/theme", strings(*["dark"] * 199, "ada@example.com"))
    assert (proposal.klass, proposal.kind) == ("personal", "email")
    assert proposal.confidence < propose("/data/theme", strings(*["ada@example.com"] * 200)).confidence


def test_name_and_values_that_agree_are_surer_than_either() -> None:
    both = propose("/data/email", strings(*["a@b.de"] * 10, *["none"] * 10)).confidence
    assert both > propose("/data/x", strings(*["a@b.de"] * 10, *["none"] * 10)).confidence
    assert both > propose("/data/email", []).confidence


def test_numbers_that_pass_luhn_by_chance_are_no_cards() -> None:
    order_numbers = [f"{4000000000000000 + n * 7919}" for n in range(200)]
    assert propose("/data/x", strings(*order_numbers)).kind != "credit_card"


def test_few_words_are_a_category_but_few_numbers_are_not() -> None:
    assert propose("/data/x", strings(*["dark", "light"] * 40)).kind == "category"
    assert propose("/data/x", strings(*["5551234567", "5557654321"] * 40)).klass == "personal"


@pytest.mark.parametrize(
    ("type_", "text", "kind"), [("boolean", "true", "boolean"), ("number", "7", "number"), ("null", "", "free_text")]
)
def test_profiles(type_: str, text: str, kind: str) -> None:
    assert propose("/data/x", [(type_, text)] * 40).kind == kind


def test_everything_that_may_be_proposed_can_be_ruled() -> None:
    for _, klass, kind, weight in NAMES:
        assert make_rule("page", "/data/x", klass, kind).kind == kind
        assert 0 < weight < 1
    assert make_rule("page", "/data/x", "personal", "postal_address").treatment == "mask"
