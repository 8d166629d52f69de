"""The fast path: every kind that has a pattern, each family tried only where a text shows the sign that it needs."""

from __future__ import annotations

import re

from privacy.detection.addresses import addresses
from privacy.detection.findings import Field, Finding, resolved
from privacy.detection.links import emails, ipv6_addresses, urls
from privacy.detection.numbers import birth_dates, ibans, numbers
from privacy.detection.secrets import secrets

_DIGIT = re.compile(r"[0-9]")
_LONG_DIGITS = re.compile(r"[A-Za-z]{2}[0-9]{2} ?[A-Za-z0-9]{4}")


def find_patterns(text: str, field: Field = Field.FREE_TEXT) -> list[Finding]:
    """Everything but names in a text, as spans that do not overlap, in order. 20 us for 80 characters."""
    found: list[Finding] = []
    if "@" in text:
        found += emails(text)
    if "/" in text or "www." in text:
        found += urls(text)
    lowered = text.lower()
    found += secrets(text, lowered)
    if _DIGIT.search(text):
        found += _with_digits(text, lowered, field)
    return found if len(found) < 2 else resolved(found)


def _with_digits(text: str, lowered: str, field: Field) -> list[Finding]:
    found = list(numbers(text, field))
    if text.count(":") > 1:
        found += ipv6_addresses(text)
    if _LONG_DIGITS.search(text):
        found += ibans(text)
    if "birth" in lowered or "born" in lowered or "dob" in lowered or "d.o.b" in lowered or "geb" in lowered:
        found += birth_dates(text, lowered)
    if field is Field.FREE_TEXT:
        found += addresses(text, lowered)
    return found
