"""Invented personal data: syllable names, reserved domains, numbers and addresses that belong to nobody.

Sources of the reserved ranges: example.com/.org/.net (RFC 2606), 555-0100 to 555-0199 (North American numbering
plan, fiction), 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849), social
security numbers with area 9xx and group 01-49 (never issued, neither as SSN nor as ITIN), card numbers that
payment providers publish for tests.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collection.simulator.population import Ints

_SYLLABLES = pa.array([onset + vowel for onset in "bdfghjklmnprstvwz" for vowel in "aeo"])
_CAPITALS = pc.utf8_capitalize(_SYLLABLES)
_DOMAINS = pa.array(["example.com", "example.org", "example.net", "mail.example.com"])
_NETS = pa.array(["192.0.2.", "198.51.100.", "203.0.113."])
CARDS = pa.array(["4111111111111111", "4242424242424242", "5555555555554444", "5105105105105100", "6011111111111117"])
_AREAS = pa.array(["202", "303", "404", "512", "617", "718"])


def mix(numbers: Ints, salt: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """SplitMix64's finaliser: a bijection on 64 bits, the same on every machine (Steele et al., OOPSLA 2014)."""
    value = numbers.astype(np.uint64) + np.uint64((0x9E3779B97F4A7C15 * (salt + 1)) % 2**64)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@cache
def _hex_digits() -> pa.StringArray:
    """0000 to ffff."""
    return pa.array([f"{number:04x}" for number in range(65536)])


def hexadecimal(numbers: Ints, salt: int, prefix: str) -> pa.StringArray:
    """The prefix and 16 hex digits for each number; distinct numbers give distinct texts."""
    value = mix(numbers, salt)
    digits = _hex_digits()
    parts = [digits.take(pa.array((value >> np.uint64(shift)) & np.uint64(0xFFFF))) for shift in (48, 32, 16, 0)]
    return pc.binary_join_element_wise(prefix, *parts, "")


def _digit(numbers: Ints, salt: int, size: int) -> pa.Array:
    return pa.array((mix(numbers, salt) % np.uint64(size)).astype(np.int64))


def padded(numbers: pa.Array, width: int) -> pa.StringArray:
    """Whole numbers as text, with leading zeros up to the width."""
    return pc.utf8_lpad(pc.cast(numbers, pa.string()), width, "0")


def first_names(people: Ints) -> pa.StringArray:
    """An invented first name per person."""
    tail = [_SYLLABLES.take(_digit(people, salt, len(_SYLLABLES))) for salt in (102, 103)]
    return pc.binary_join_element_wise(_CAPITALS.take(_digit(people, 101, len(_CAPITALS))), *tail, "")


def last_names(people: Ints) -> pa.StringArray:
    """An invented last name per person."""
    tail = [_SYLLABLES.take(_digit(people, salt, len(_SYLLABLES))) for salt in (105, 106, 107)]
    return pc.binary_join_element_wise(_CAPITALS.take(_digit(people, 104, len(_CAPITALS))), *tail, "")


def full_names(people: Ints) -> pa.StringArray:
    """First and last name per person."""
    return pc.binary_join_element_wise(first_names(people), last_names(people), " ")


def emails(people: Ints) -> pa.StringArray:
    """An address at a reserved domain per person."""
    local = pc.ascii_lower(pc.binary_join_element_wise(first_names(people), last_names(people), "."))
    return pc.binary_join_element_wise(local, _DOMAINS.take(_digit(people, 108, len(_DOMAINS))), "@")


def phones(people: Ints) -> pa.StringArray:
    """A number of the fictional 555-01xx range per person."""
    area = _AREAS.take(_digit(people, 109, len(_AREAS)))
    return pc.binary_join_element_wise("+1-", area, "-555-01", padded(_digit(people, 110, 100), 2), "")


def ssns(people: Ints) -> pa.StringArray:
    """A social security number of a range that is never issued, per person."""
    parts = [
        padded(pc.add(_digit(people, 111, 87), 900), 3),
        padded(pc.add(_digit(people, 112, 49), 1), 2),
        padded(pc.add(_digit(people, 113, 9999), 1), 4),
    ]
    return pc.binary_join_element_wise(*parts, "-")


def cards(people: Ints) -> pa.StringArray:
    """A published test card number per person."""
    return CARDS.take(_digit(people, 114, len(CARDS)))


def birth_dates(people: Ints) -> pa.StringArray:
    """A date of birth (ISO 8601) per person."""
    parts = [
        padded(pc.add(_digit(people, 115, 45), 1958), 4),
        padded(pc.add(_digit(people, 116, 12), 1), 2),
        padded(pc.add(_digit(people, 117, 28), 1), 2),
    ]
    return pc.binary_join_element_wise(*parts, "-")


def addresses(numbers: Ints) -> pa.StringArray:
    """An IPv4 address of a documentation range per number."""
    host = pc.cast(pc.add(_digit(numbers, 119, 254), 1), pa.string())
    return pc.binary_join_element_wise(_NETS.take(_digit(numbers, 118, 3)), host, "")
