"""Every form in which a value may lie in a store: written out, escaped, encoded, or hashed without a key."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

HASHES = ("md5", "sha1", "sha256", "sha512")
DIGEST_CHARACTERS = 16  # as many characters of a digest are looked for: a shortened one is found, too
SHORTEST = 8
EMAIL = re.compile(r"([^@\s]{8,})@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Planted:
    """A value that must not appear below `raw`, and where it was planted: 'event_type/pointer' or a column."""

    token: str
    field: str


@dataclass(frozen=True, slots=True)
class Needle:
    """One form of a planted value, in lower case: the search folds case."""

    text: bytes
    form: str
    field: str


def needles(planted: Iterator[Planted] | list[Planted]) -> list[Needle]:
    """Every form of every value, once. Raises ValueError for a form too short to be told from chance."""
    found: dict[bytes, Needle] = {}
    for value in planted:
        for form, text in forms(value.token):
            folded = text.lower()
            if len(folded) < SHORTEST:
                raise ValueError(f"the {form} of the value planted in {value.field} has under {SHORTEST} bytes")
            found.setdefault(folded, Needle(folded, form, value.field))
    return list(found.values())


def forms(token: str) -> Iterator[tuple[str, bytes]]:
    """(name of the form, its bytes). Forms that depend on case come for the value as it is, lower and upper."""
    yield from _written(token)
    for spelling in dict.fromkeys((token, token.lower(), token.upper())):
        value = spelling.encode()
        yield "hex", value.hex().encode()
        yield from _base64(value)
        for name in HASHES:
            yield from _digest(name, hashlib.new(name, value).digest())


def _written(token: str) -> Iterator[tuple[str, bytes]]:
    yield "plain", token.encode()
    for text in (quote(token, safe=""), quote_plus(token), quote(token)):
        yield "url", text.encode()
    escapes = "".join(f"\\u{ord(character):04x}" for character in token)
    partly = re.sub(r"[^\w ]", lambda match: f"\\u{ord(match[0]):04x}", token)
    for text in (json.dumps(token)[1:-1], escapes, partly):
        yield "json", text.encode()
        yield "json in json", text.replace("\\", "\\\\").encode()
    for codec in ("utf-16-le", "utf-32-le"):
        yield codec, token.encode(codec)
    if match := EMAIL.fullmatch(token):
        yield "local part", match[1].encode()
    digits = re.sub(r"\D", "", token)
    if len(digits) > 12 and not re.search(r"[a-z]", token, re.IGNORECASE):
        yield "digits", digits.encode()


def _base64(value: bytes) -> Iterator[tuple[str, bytes]]:
    """The characters that do not depend on what stands before and after, at each of the three alignments."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + value + bytes(2))
        first, last = -(-8 * before // 6), 8 * (before + len(value)) // 6
        for text in (whole, whole.translate(bytes.maketrans(b"+/", b"-_"))):
            yield f"base64 at {before}", text[first:last]


def _digest(name: str, digest: bytes) -> Iterator[tuple[str, bytes]]:
    yield f"{name} hex", digest.hex().encode()[:DIGEST_CHARACTERS]
    yield f"{name} base64", base64.b64encode(digest)[:DIGEST_CHARACTERS]
    yield f"{name} base64", base64.urlsafe_b64encode(digest)[:DIGEST_CHARACTERS]
    yield f"{name} bytes", digest[:DIGEST_CHARACTERS]
