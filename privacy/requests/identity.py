"""One-time codes of the identity check: made, hashed under a key of the vault, compared. Sending them is others'."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta

DIGITS = 8
VALID_FOR = timedelta(hours=24)
KEY_PURPOSE = "request-codes"


def new_code(random_bytes: Callable[[int], bytes]) -> str:
    """Eight decimal digits; 16 random bytes make the bias of the remainder smaller than 10^-30."""
    return f"{int.from_bytes(random_bytes(16), 'big') % 10**DIGITS:0{DIGITS}d}"


def code_hash(key: bytes, request_id: str, code: str) -> bytes:
    """HMAC-SHA256 of the code for one request (32 bytes): without the vault, 10^8 guesses at a hash find nothing."""
    return hmac.digest(key, f"{request_id}\x00{code}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def matches(key: bytes, request_id: str, answer: str, stored: bytes | None) -> bool:
    """Whether an answer is the code that was hashed, in constant time. Spaces and dashes do not count."""
    cleaned = answer.replace(" ", "").replace("-", "")
    return stored is not None and hmac.compare_digest(code_hash(key, request_id, cleaned), stored)
