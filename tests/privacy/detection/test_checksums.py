"""Checksums against published numbers, and that a single changed digit is always noticed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.detection.checksums import is_card, is_iban, is_ipv4, is_ipv6, is_luhn, is_ssn


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "30569309025904", "6011111111111117"])
def test_the_schemes_own_test_numbers_are_cards(number: str) -> None:
    assert is_card(number)


@pytest.mark.parametrize("number", ["4111111111111112", "0000000000000000", "1700000000000", "9111111111111111"])
def test_other_numbers_are_not(number: str) -> None:
    assert not is_card(number)


@settings(max_examples=60)
@given(st.from_regex(r"[0-9]{16}", fullmatch=True), st.integers(0, 15), st.integers(1, 9))
def test_luhn_notices_any_changed_digit(digits: str, at: int, by: int) -> None:
    changed = digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :]
    assert not (is_luhn(digits) and is_luhn(changed))


def test_ibans_need_their_country_s_length_and_mod_97() -> None:
    assert is_iban("DE89370400440532013000")
    assert is_iban("gb82west12345698765432")
    assert not is_iban("DE88370400440532013000")
    assert not is_iban("DE8937040044053201300")
    assert not is_iban("XX89370400440532013000")


def test_numbers_that_were_never_issued_are_no_ssn() -> None:
    assert is_ssn("123", "45", "6789")
    assert not any(is_ssn(*parts) for parts in (("000", "45", "6789"), ("666", "45", "6789"), ("900", "45", "6789")))
    assert not any(is_ssn(*parts) for parts in (("123", "00", "6789"), ("123", "45", "0000")))


def test_internet_addresses() -> None:
    assert is_ipv4("10.0.0.1")
    assert not any(is_ipv4(text) for text in ("256.1.1.1", "1.2.3", "01.2.3.4", "0.0.0.6"))
    assert is_ipv6("2001:db8::1")
    assert not any(is_ipv6(text) for text in ("12:30:45", "::", "aa:bb:cc:dd:ee:ff"))
