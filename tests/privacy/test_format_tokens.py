"""Tokens that keep a form: NIST's own vectors, the form, and that equal values alone share a token."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.detection.checksums import is_luhn
from privacy.format_tokens import NoSuchFormatError, card_token, digits_token, email_token, ff1

KEY = bytes(range(32))
AES_128 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
AES_256 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
TWEAK = bytes.fromhex("39383736353433323130")


@pytest.mark.parametrize(
    ("key", "tweak", "expected"),
    [
        (AES_128, b"", "2433477484"),
        (AES_128, TWEAK, "6124200773"),
        (AES_256, b"", "6657667009"),
        (AES_256, TWEAK, "1001623463"),
    ],
)
def test_ff1_equals_the_samples_that_nist_publishes(key: bytes, tweak: bytes, expected: str) -> None:
    assert ff1("0123456789", key, tweak) == expected


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"\+?[0-9]{2,3} \(?[0-9]{3}\)?[ -][0-9]{3,8}", fullmatch=True))
def test_a_telephone_number_keeps_its_layout(text: str) -> None:
    token = digits_token(text, KEY, b"phone")
    assert re.sub("[0-9]", "0", token) == re.sub("[0-9]", "0", text)
    assert token == digits_token(text, KEY, b"phone")


def test_no_two_values_share_a_token_and_kinds_and_keys_part_them() -> None:
    values = [f"555-{number:04d}" for number in range(500)]
    assert len({digits_token(value, KEY, b"phone") for value in values}) == len(values)
    assert digits_token(values[0], KEY, b"phone") != digits_token(values[0], KEY, b"ssn")
    assert digits_token(values[0], KEY, b"phone") != digits_token(values[0], KEY[::-1], b"phone")


@pytest.mark.parametrize("card", ["4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444"])
def test_a_card_stays_a_card(card: str) -> None:
    token = card_token(card, KEY)
    assert re.sub("[0-9]", "0", token) == re.sub("[0-9]", "0", card)
    assert is_luhn(re.sub("[^0-9]", "", token))
    assert token != card
    assert token == card_token(card, KEY)


def test_an_email_stays_an_email_that_nobody_receives() -> None:
    ada, bob = email_token("Ada@Example.com", KEY), email_token("bob@example.com", KEY)
    assert re.fullmatch(r"u[0-9a-f]{16}@d[0-9a-f]{16}\.invalid", ada)
    assert ada == email_token("ada@example.com ", KEY)
    assert ada != bob
    assert ada.split("@")[1] == bob.split("@")[1]


@pytest.mark.parametrize("value", ["12345", "no digits", "9" * 57])
def test_what_lacks_the_form_is_refused_without_being_quoted(value: str) -> None:
    with pytest.raises(NoSuchFormatError) as refusal:
        digits_token(value, KEY, b"phone")
    assert value not in str(refusal.value)


@pytest.mark.parametrize("value", ["ada", "@example.com", "ada@"])
def test_half_an_address_is_refused(value: str) -> None:
    with pytest.raises(NoSuchFormatError):
        email_token(value, KEY)
