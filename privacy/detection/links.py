"""Email addresses, URLs and IPv6 addresses in a text: found from the sign that each must have. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy.detection.checksums import is_ipv6
from privacy.detection.findings import EMAIL, IP_ADDRESS, URL, Finding

# RFC 5322 allows more in a local part; these are the characters that mail providers hand out.
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.(?:xn--[\w-]+|[^\W\d_]{2,24})(?![\w-])")
_SCHEME = re.compile(r"(?:\b(?:https?|ftps?|wss?|sftp|ssh|s3)://|\bwww\.(?=\w))[^\s<>\"`{}|\\^]+", re.IGNORECASE)
_BARE = re.compile(r"\b(?:[\w-]+\.)+(?:com|org|net|io|co|edu|gov|info|dev|app|uk|de|fr|eu)/[^\s<>\"`{}|\\^]+")
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}:(?:[0-9A-Fa-f]{0,4}:){1,6}(?:[0-9.]{7,15}|[0-9A-Fa-f]{1,4}|(?<=::))(?![\w:])"
)
_TRAILING = ".,;:!?'*"


def emails(text: str) -> Iterator[Finding]:
    """Every address with a dotted domain; the caller has seen an '@'."""
    at = text.find("@")
    while at >= 0:
        start = at
        while start and (text[start - 1] in _LOCAL or (text[start - 1].isalpha() and not text[start - 1].isascii())):
            start -= 1
        while start < at and text[start] in ".'-":
            start += 1
        domain = _DOMAIN.match(text, at + 1)
        if domain and start < at:
            yield Finding(EMAIL, start, domain.end(), 0.98)
        at = text.find("@", at + 1)


def urls(text: str) -> Iterator[Finding]:
    """Addresses with a scheme or 'www.', and domains of common endings that a path follows."""
    if "://" in text or "www." in text or "WWW." in text:
        for match in _SCHEME.finditer(text):
            yield Finding(URL, match.start(), _end_of(text, match), 0.99)
    elif "/" in text:
        for match in _BARE.finditer(text):
            if match.start() == 0 or text[match.start() - 1] not in "@/":
                yield Finding(URL, match.start(), _end_of(text, match), 0.8)


def _end_of(text: str, match: re.Match[str]) -> int:
    """The end without the punctuation of the sentence around it."""
    start, end = match.span()
    while end > start:
        last = text[end - 1]
        opening = {")": "(", "]": "["}.get(last)
        unbalanced = opening is not None and text.count(last, start, end) > text.count(opening, start, end)
        if last not in _TRAILING and not unbalanced:
            return end
        end -= 1
    return end


def ipv6_addresses(text: str) -> Iterator[Finding]:
    """Valid IPv6 text forms that hold a digit; times and MAC addresses are none."""
    for match in _IPV6.finditer(text):
        found = match.group()
        if is_ipv6(found) and any(character.isdigit() for character in found):
            yield Finding(IP_ADDRESS, match.start(), match.end(), 0.95)
