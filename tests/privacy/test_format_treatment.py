"""The treatment `format`: who may rule it, what of a value passes, and that nothing of it stays behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.detection.checksums import is_luhn
from privacy.engine import engine
from privacy.errors import InvalidRuleError
from privacy.kernel import Transformed, transform
from privacy.plan import compile_plan
from privacy.policy import CompiledPolicy, make_rule
from privacy.pseudonyms import Keyring, subject_tokens
from tests.privacy.events import RULES, START, batch, event, granted

KEYRING, OTHER = Keyring(b"p" * 32, b"a" * 32), Keyring(b"q" * 32, b"b" * 32)
KINDS = ("email", "phone", "ssn", "credit_card", "ip_address", "id")
POLICY = CompiledPolicy.of(
    [
        *(make_rule("page", f"/data/{kind}", "pseudonymized", kind, "format") for kind in KINDS),
        make_rule("page", "/data/friends/*/phone", "pseudonymized", "phone", "format"),
        make_rule("page", "/data/plan", "non_personal", "category"),
    ],
    k=1,
)
LOOKS: dict[str, Callable[[str], object]] = {
    "email": re.compile(r"u[0-9a-f]{16}@d[0-9a-f]{16}\.invalid").fullmatch,
    "phone": re.compile(r"\+[0-9]{2} [0-9]{3} [0-9]{7}").fullmatch,
    "ssn": re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}").fullmatch,
    "credit_card": lambda text: len(text) == 16 and is_luhn(text),
    "ip_address": re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}").fullmatch,
    "id": re.compile(r"[1-9][0-9]{8}").fullmatch,
}
DOCUMENTS = st.fixed_dictionaries(
    {
        "email": st.from_regex(r"[a-z]{8}@[a-z]{8}\.(com|org)", fullmatch=True),
        "phone": st.from_regex(r"\+[0-9]{2} [0-9]{3} [0-9]{7}", fullmatch=True),
        "ssn": st.from_regex(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", fullmatch=True),
        "credit_card": st.sampled_from(("4111111111111111", "5555555555554444")),
        "ip_address": st.ip_addresses(v=4).map(str),
        "id": st.integers(10**8, 10**9 - 1),
    }
)


def run(rows: list[dict[str, Any]], keyring: Keyring = KEYRING, policy: CompiledPolicy = POLICY) -> Transformed:
    tokens = subject_tokens(["u1", "u2"], {"u1": b"1", "u2": b"2"}, keyring.pseudonymous)
    return transform(batch(rows), policy, keyring=keyring, subject_tokens=tokens, decisions=granted("u1", "u2"))


def safe(result: Transformed) -> list[dict[str, Any]]:
    """The data of the pseudonymous rows, in the order of event time."""
    table = result.pseudonymous.sort_by("occurred_at")
    return [json.loads(text) for text in table["data"].to_pylist()]


@settings(max_examples=6, deadline=None)
@given(documents=st.lists(DOCUMENTS, min_size=5, max_size=20))
def test_equal_values_share_a_token_of_their_form_and_no_value_is_left(documents: list[dict[str, Any]]) -> None:
    at = START + timedelta(days=40)
    again = [
        event(n, document, user_id="u2", created_at=at + timedelta(hours=n)) for n, document in enumerate(documents)
    ]
    result = run([event(n + 99, document) for n, document in enumerate(documents)] + again)
    made = safe(result)
    assert made[: len(documents)] == made[len(documents) :]
    for document, safe_document in zip(documents, made, strict=False):
        assert set(safe_document) == set(KINDS)
        assert all(LOOKS[kind](str(value)) for kind, value in safe_document.items()), safe_document
        assert not any(document[kind] == value for kind, value in safe_document.items())
    for kind in KINDS:
        assert len({document[kind] for document in made}) == len({document[kind] for document in documents})
    assert set(result.anonymous["data"].to_pylist()) == {"{}"}


def test_tokens_are_of_a_purpose_and_of_no_batch() -> None:
    data = {"email": "ada@example.com", "phone": "+41 555 1234567", "ssn": "123-45-6789", "id": 7654321}
    (alone,), together = safe(run([event(9, data)])), safe(run([event(1, {"id": 1234567}), event(9, data)]))
    (other,) = safe(run([event(9, data)], OTHER))
    assert together[1] == alone
    assert not any(other[kind] == value for kind, value in alone.items())


def test_what_lacks_its_form_is_dropped_and_counted() -> None:
    good = {"phone": "+41 555 1234567", "id": 7654321, "plan": "pro"}
    bad = {"phone": "ask Ada", "id": "A-1", "plan": "pro", "email": None}
    result = run([event(1, good), event(2, bad), event(3, bad)])
    kept, *rest = safe(result)
    assert set(kept) == {"phone", "id", "plan"}
    assert rest == [{"plan": "pro"}] * 2
    counted = {(row["reason"], row["path"]): row["n"] for row in result.exclusions.to_pylist()}
    assert counted == {("type_mismatch", "/data/phone"): 2, ("type_mismatch", "/data/id"): 2}


def test_values_inside_items_get_the_token_that_they_get_outside() -> None:
    (made,) = safe(run([event(1, {"phone": "5551234", "friends": [{"phone": "5551234"}, {"phone": "no"}]})]))
    assert made["friends"][0] == {"phone": made["phone"]}
    assert made["friends"][1] == {}


def test_the_stricter_class_wins() -> None:
    rows = [event(1, {"phone": "+41 555 1234567", "id": "1234567"}, data_classification="personal")]
    result = run(rows)
    assert result.pseudonymous.num_rows == 0
    assert json.loads(result.anonymous["data"][0].as_py()) == {"phone": "***-***-4567"}


@pytest.mark.parametrize(
    ("klass", "kind", "message"),
    [
        ("pseudonymized", "url", "has none to keep; rule token instead"),
        ("pseudonymized", "full_name", "kinds with a format: email, phone"),
        ("personal", "email", "class personal allows mask or drop"),
        ("non_personal", "id", "class non_personal allows pass or drop"),
        ("sensitive", "email", "class sensitive allows drop"),
    ],
)
def test_a_format_that_cannot_be_kept_is_refused(klass: str, kind: str, message: str) -> None:
    with pytest.raises(InvalidRuleError, match=message):
        make_rule("page", "/data/x", klass, kind, "format")


def test_an_alias_of_a_kind_has_its_format_and_digests_differ_by_treatment() -> None:
    rule = make_rule("page", "/data/x", "pseudonymized", "card", "format")
    assert (rule.kind, rule.treatment) == ("credit_card", "format")
    tokens = CompiledPolicy.of([make_rule("page", "/data/x", "pseudonymized", "card")])
    assert CompiledPolicy.of([rule]).digest != tokens.digest


def test_other_policies_do_not_know_the_function_and_no_key_stays_behind() -> None:
    plain = CompiledPolicy.of([make_rule(*rule) for rule in RULES])
    assert "format_token" not in compile_plan(plain, "page", 0).sql
    run([event(1, {"id": 7654321})])
    with engine(KEYRING) as current, pytest.raises(duckdb.CatalogException):
        current.connection.sql("select format_token('id:7654321')").fetchall()
