"""Keys and passwords in a text: formats that issuers publish, and values after a word that announces one. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from privacy.detection.findings import SECRET, Finding

# Every alternative begins with a letter of its own, so that the engine skips to the few places where one can begin.
_ISSUED = re.compile(
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w-]{35}|ghp_[A-Za-z0-9]{30,}|gh[ousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}"
    r"|glpat-[\w-]{20,}|sk_(?:live|test)_[A-Za-z0-9]{16,}|pk_(?:live|test)_[A-Za-z0-9]{16,}|rk_(?:live|test)_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{20,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}"
    r"|dop_v1_[A-Za-z0-9]{30,}|shpat_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|ya29\.[\w-]{20,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----)?",
    re.DOTALL,
)
_ANNOUNCED = re.compile(
    r"(?P<password>passw(?:or)?d|passphrase|pwd)|(?:(?:api|access|secret|private|auth)[ _-]?key|client[ _-]?secret"
    r"|secret|(?:api|auth|access|refresh|bearer)?[ _-]?token|bearer)",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[\"']?(?P<sign>\s*(?:=>|[:=])\s*|\s+is:?\s+|\s+)[\"']?(?P<value>[^\s\"',;<>()]{6,})")
_WORDS = re.compile(r"passw|passphrase|pwd|key|secret|token|bearer")
MIN_ISSUED = 15
MIN_BITS = 3.0  # Shannon entropy per character of a random key of 16 characters lies above this


def secrets(text: str, lowered: str) -> Iterator[Finding]:
    """Every secret; lowered is text.lower(), which the caller has made once."""
    if len(text) >= MIN_ISSUED:
        for match in _ISSUED.finditer(text):
            if match.start() and text[match.start() - 1].isalnum():
                continue
            yield Finding(SECRET, match.start(), match.end(), 0.99)
    if _WORDS.search(lowered):
        for announced in _ANNOUNCED.finditer(text):
            value = _VALUE.match(text, announced.end())
            if value and _is_secret(value, is_password=announced["password"] is not None):
                start = value.start("value")
                yield Finding(SECRET, start, start + len(value["value"].rstrip(".")), 0.9)


def _is_secret(match: re.Match[str], *, is_password: bool) -> bool:
    value = match["value"].rstrip(".")
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if is_password:
        return bool(match["sign"].strip()) and (mixed or any(not c.isalnum() for c in value))
    return len(value) >= 16 and mixed and entropy(value) >= MIN_BITS


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
