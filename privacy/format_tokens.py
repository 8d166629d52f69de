"""Tokens that keep the form of what they stand for, for a schema that accepts no other: same key and value, same token.

Digits are a permutation (FF1 of NIST SP 800-38G): two values never share a token; who has the key can turn one back.
Email tokens are an HMAC. Every token is personal data while its key lives. Pure; nothing here stores a key.
"""

from __future__ import annotations

import hashlib
import hmac

from privacy.errors import PrivacyError

MIN_DIGITS = 6  # SP 800-38G revision 1 asks for a domain of a million
MAX_DIGITS = 56  # beyond it FF1 needs more than one block of key stream
ROUNDS = 10


class NoSuchFormatError(PrivacyError):
    """A value lacks the form that its token would have to keep."""


def digits_token(text: str, key: bytes, tweak: bytes) -> str:
    """The text with its ASCII digits replaced and everything else in its place: telephone, SSN, account numbers.

    key: 16 or 32 bytes. tweak: what kind of value it is, so that equal digits of two kinds differ. Raises
    NoSuchFormatError for fewer than MIN_DIGITS or more than MAX_DIGITS digits.
    """
    return _with_digits(text, ff1(_digits_of(text), key, tweak))


def card_token(text: str, key: bytes) -> str:
    """A card number of the same layout whose Luhn digit is right; the issuer's prefix does not stay."""
    payload = ff1(_digits_of(text)[:-1], key, b"card")
    return _with_digits(text, payload + _luhn_digit(payload))


def email_token(text: str, key: bytes) -> str:
    """An address under .invalid (RFC 2606: never delivered); equal domains stay equal, case does not count."""
    local, sign, domain = text.strip().lower().rpartition("@")
    if not (local and sign and domain):
        raise NoSuchFormatError("a value to be tokenised as email has no name before or no domain after an '@'")
    return f"u{_keyed(key, f'{local}@{domain}')}@d{_keyed(key, domain)}.invalid"


def ff1(digits: str, key: bytes, tweak: bytes) -> str:
    """FF1 encryption over decimal digits, algorithm 7 of NIST SP 800-38G: a permutation per length."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    n = len(digits)
    if not MIN_DIGITS <= n <= MAX_DIGITS:
        raise NoSuchFormatError(
            f"a value has {n} digits to replace; a token of its form needs {MIN_DIGITS} to {MAX_DIGITS}; mask it"
        )
    left, right = n // 2, n - n // 2
    n_bytes = -(-(10**right - 1).bit_length() // 8)
    n_stream = 4 * -(-n_bytes // 4) + 4
    head = bytes((1, 2, 1, 0, 0, 10, 10, left % 256)) + n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    padding = bytes(-(len(tweak) + n_bytes + 1) % 16)
    a, b = digits[:left], digits[left:]
    for number in range(ROUNDS):
        block = head + tweak + padding + bytes((number,)) + int(b).to_bytes(n_bytes, "big")
        encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
        stream = (encryptor.update(block) + encryptor.finalize())[-16:][:n_stream]
        size = left if number % 2 == 0 else right
        a, b = b, f"{(int(a) + int.from_bytes(stream, 'big')) % 10**size:0{size}d}"
    return a + b


def _digits_of(text: str) -> str:
    return "".join(character for character in text if "0" <= character <= "9")


def _with_digits(text: str, digits: str) -> str:
    following = iter(digits)
    return "".join(next(following) if "0" <= character <= "9" else character for character in text)


def _luhn_digit(payload: str) -> str:
    """The check digit of ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * 2 for digit in payload[::-2])
    plain = (int(digit) for digit in payload[-2::-2])
    return str(-(sum(value - 9 if value > 9 else value for value in doubled) + sum(plain)) % 10)


def _keyed(key: bytes, text: str) -> str:
    return hmac.digest(key, b"email:" + text.encode(), hashlib.sha256).hex()[:16]
