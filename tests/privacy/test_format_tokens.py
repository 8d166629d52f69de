"""Tokens that keep a form: NIST's own vectors, the form, and that equal values alone share a token."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.detection.checksums import is_luhn
from privacy.ff1 import NoSuchFormatError, ff1
from privacy.format_tokens import FORMS, tokens
from privacy.masks import MASKS

KEY = bytes(range(32))
AES_128 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
AES_256 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
TWEAK = bytes.fromhex("39383736353433323130")


def token(kind: str, value: object, key: bytes = KEY) -> object:
    """The token of one value, both as Python has them; None where the value lacks its form."""
    (made,) = tokens(kind, [json.dumps(value)], key)
    return None if made is None else json.loads(made)


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
    assert ff1(["0123456789", "9876543210", "0123456789"], key, tweak)[::2] == [expected] * 2


@pytest.mark.parametrize(("radix", "n"), [(10, 6), (10, 7), (16, 5)])
def test_ff1_is_a_permutation(radix: int, n: int) -> None:
    texts = [f"{number:0{n}d}" for number in range(20_000)]
    made = ff1(texts, KEY, b"t", radix)
    assert len(set(made)) == len(texts)
    assert {len(text) for text in made} == {n}
    assert made[:9] == [ff1([text], KEY, b"t", radix)[0] for text in texts[:9]]


@pytest.mark.parametrize(("numerals", "radix"), [("12345", 10), ("1234", 16), ("9" * 57, 10)])
def test_ff1_refuses_a_domain_that_is_too_small_without_quoting(numerals: str, radix: int) -> None:
    with pytest.raises(NoSuchFormatError) as refusal:
        ff1([numerals], KEY, b"", radix)
    assert numerals not in str(refusal.value)


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"\+?[0-9]{2,3} \(?[0-9]{3}\)?[ -][0-9]{3,8}", fullmatch=True))
def test_a_telephone_number_keeps_its_layout(text: str) -> None:
    made = token("phone", text)
    assert re.sub("[0-9]", "0", str(made)) == re.sub("[0-9]", "0", text)
    assert made == token("phone", text)
    assert made != token("phone", text, KEY[::-1])


def test_kinds_are_permuted_apart() -> None:
    assert len({token(kind, "123-45-6789") for kind in ("phone", "ssn")}) == 2


@pytest.mark.parametrize("card", ["4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444"])
def test_a_card_stays_a_card(card: str) -> None:
    made = str(token("credit_card", card))
    assert re.sub("[0-9]", "0", made) == re.sub("[0-9]", "0", card)
    assert is_luhn(re.sub("[^0-9]", "", made))
    assert made != card


def test_an_email_stays_an_email_that_nobody_receives() -> None:
    ada, bob = str(token("email", "Ada@Example.com")), str(token("email", "bob@example.com"))
    assert re.fullmatch(r"u[0-9a-f]{16}@d[0-9a-f]{16}\.invalid", ada)
    assert ada == token("email", "ada@example.com")
    assert tokens("email", ['"ada\\u0040example.com"'], KEY) == [f'"{ada}"']
    assert ada != bob
    assert ada.split("@")[1] == bob.split("@")[1]


@settings(max_examples=50, deadline=None)
@given(st.ip_addresses())
def test_an_address_stays_one_of_its_version(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    made = ipaddress.ip_address(str(token("ip_address", str(address))))
    assert made.version == address.version
    assert token("ip_address", address.exploded) == str(made)


@settings(max_examples=50, deadline=None)
@given(st.integers(10**5, 10**18 - 1), st.uuids())
def test_an_id_stays_a_number_a_text_of_digits_or_a_uuid(number: int, uuid: object) -> None:
    made, text, other = token("id", number), token("id", f"00{number}"), str(token("id", str(uuid)))
    assert isinstance(made, int)
    assert len(str(made)) == len(str(number))
    assert re.fullmatch(f"[0-9]{{{len(str(number)) + 2}}}", str(text))
    assert re.sub("[0-9a-f]", "0", other) == re.sub("[0-9a-f]", "0", str(uuid))
    assert (other[14], other[19]) == (str(uuid)[14], str(uuid)[19])
    assert other != str(uuid)


def test_numbers_without_a_leading_nought_stay_so_and_apart() -> None:
    made = tokens("id", [str(number) for number in range(100_000, 102_000)], KEY)
    assert len(set(made)) == 2_000
    assert all(text and text[0] != "0" and len(text) == 6 for text in made)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("phone", "12345"), ("phone", "call 555 123 4567"), ("phone", 5551234567), ("phone", "9" * 16),
        ("ssn", "123-456789"), ("ssn", "12345678"), ("credit_card", "4111 1111 1111 1112"),
        ("credit_card", "4111x1111x1111x1111"), ("email", "ada"), ("email", "@example.com"), ("email", "ada@"),
        ("email", "Ada <ada@example.com>"), ("email", "a@b@example.com"), ("ip_address", "300.1.2.3"),
        ("ip_address", "fe80::1%ada"), ("ip_address", 16909060), ("id", "A-123456"), ("id", 12345), ("id", 10**18),
        ("id", -123456), ("id", 123456.5), ("id", True), ("id", None), ("id", "\ud800"), ("id", "١٢٣٤٥٦"),
        ("id", {"x": "123456"}),
    ],
)  # fmt: skip
def test_what_lacks_the_form_has_no_token(kind: str, value: object) -> None:
    assert token(kind, value) is None


def test_every_kind_with_a_form_is_a_kind() -> None:
    assert set(FORMS) < set(MASKS)
