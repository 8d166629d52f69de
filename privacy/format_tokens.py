"""Tokens that keep the form of what they stand for, for a schema that accepts no other: same key and value, same token.

Numerals are permuted (ff1.py): two values never share a token, and who has the key can turn one back. Email tokens are
an HMAC. Every token is personal data while its key lives. Pure; nothing here stores a key.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from privacy.ff1 import ff1

EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}", re.ASCII | re.IGNORECASE)
PHONE = re.compile(r"\+?[ ().\-/]{0,2}(?:[0-9][ ().\-/]{0,3}){6,15}")  # at most 15 digits: ITU-T E.164, section 6
SSN = re.compile(r"[0-9]{3}([- ]?)[0-9]{2}\1[0-9]{4}")
CARD = re.compile(r"[0-9](?:[ -]?[0-9]){11,18}")  # 12 to 19 digits: ISO/IEC 7812-1
DIGITS = re.compile(r"[0-9]{6,56}")
NUMBER = re.compile(r"[1-9][0-9]{5,17}")  # fits 64 bits, and so does its token
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
VERSION, VARIANT = 12, 16  # of a UUID's numerals (RFC 9562): they stay


@dataclass(frozen=True, slots=True)
class Form:
    """One form of values: what numerals of a value are permuted (None: it lacks the form), and the token they make.

    is_allowed: which numerals a token may have; others are permuted again, which stays a permutation of the allowed
    (cycle walking: Black and Rogaway 2002). is_number: a JSON number, not a string.
    """

    tweak: bytes
    numerals: Callable[[str], str | None]
    written: Callable[[str, str], str]
    radix: int = 10
    is_allowed: Callable[[str], bool] | None = None
    is_number: bool = False


def tokens(kind: str, values: Sequence[str], key: bytes) -> list[str | None]:
    """The token of each value, None where it lacks the form of its kind. values, tokens: JSON text; key: 32 bytes."""
    made: list[str | None] = [None] * len(values)
    if kind == "email":
        return [_email_token(text, key) if (text := _text_of(value)) else None for value in values]
    for form in FORMS[kind]:
        by_length: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
        for at, value in enumerate(values):
            text = value if form.is_number else _text_of(value)
            if text and (numerals := form.numerals(text)):
                by_length[len(numerals)].append((at, text, numerals))
        for group in by_length.values():
            for (at, text, _), numerals in zip(group, _permuted(form, [n for *_, n in group], key), strict=True):
                token = form.written(text, numerals)
                made[at] = token if form.is_number else f'"{token}"'
    return made


def _permuted(form: Form, numerals: list[str], key: bytes) -> list[str]:
    made = ff1(numerals, key, form.tweak, form.radix)
    refused = [at for at, text in enumerate(made) if form.is_allowed and not form.is_allowed(text)]
    if refused:
        for at, text in zip(refused, _permuted(form, [made[at] for at in refused], key), strict=True):
            made[at] = text
    return made


def _text_of(value: str) -> str | None:
    """The string that JSON text holds; None for anything else."""
    if not value.startswith('"'):
        return None
    if "\\" not in value:
        return value[1:-1]
    try:
        return str(orjson.loads(value))
    except orjson.JSONDecodeError:  # half a surrogate pair
        return None


def _email_token(text: str, key: bytes) -> str | None:
    """An address under .invalid (RFC 2606: never delivered); equal domains stay equal, case does not count."""
    if not EMAIL.fullmatch(text):
        return None
    domain = text.lower().rpartition("@")[2]
    return f'"u{_keyed(key, text.lower())}@d{_keyed(key, domain)}.invalid"'


def _keyed(key: bytes, text: str) -> str:
    return hmac.digest(key, b"email:" + text.encode(), hashlib.sha256).hex()[:16]


def _digits_where(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    def numerals(text: str) -> str | None:
        return _digits_of(text) if pattern.fullmatch(text) else None

    return numerals


def _digits_of(text: str) -> str:
    return "".join(character for character in text if "0" <= character <= "9")


def _with_digits(text: str, digits: str) -> str:
    following = iter(digits)
    return "".join(next(following) if "0" <= character <= "9" else character for character in text)


def _card_payload(text: str) -> str | None:
    digits = _digits_of(text) if CARD.fullmatch(text) else ""
    return digits[:-1] if digits and digits[-1] == _luhn_digit(digits[:-1]) else None


def _with_card(text: str, payload: str) -> str:
    return _with_digits(text, payload + _luhn_digit(payload))


def _luhn_digit(payload: str) -> str:
    """The check digit of ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * 2 for digit in payload[::-2])
    plain = (int(digit) for digit in payload[-2::-2])
    return str(-(sum(value - 9 if value > 9 else value for value in doubled) + sum(plain)) % 10)


def _address_numerals(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if "%" in text else f"{int(address):0{address.max_prefixlen // 4}x}"  # a zone is free text


def _with_address(_: str, numerals: str) -> str:
    kind = ipaddress.IPv4Address if len(numerals) == 8 else ipaddress.IPv6Address
    return str(kind(int(numerals, 16)))


def _uuid_numerals(text: str) -> str | None:
    if not UUID.fullmatch(text):
        return None
    whole = text.replace("-", "").lower()
    return whole[:VERSION] + whole[VERSION + 1 : VARIANT] + whole[VARIANT + 1 :]


def _with_uuid(text: str, numerals: str) -> str:
    own = text.replace("-", "").lower()
    whole = numerals[:VERSION] + own[VERSION] + numerals[VERSION : VARIANT - 1] + own[VARIANT] + numerals[VARIANT - 1 :]
    return "-".join((whole[:8], whole[8:12], whole[12:16], whole[16:20], whole[20:]))


FORMS: dict[str, tuple[Form, ...]] = {
    "email": (),  # an address has no numerals: _email_token
    "phone": (Form(b"phone", _digits_where(PHONE), _with_digits),),
    "ssn": (Form(b"ssn", _digits_where(SSN), _with_digits),),
    "credit_card": (Form(b"card", _card_payload, _with_card),),
    "ip_address": (Form(b"ip", _address_numerals, _with_address, radix=16),),
    "id": (
        Form(b"id", _digits_where(DIGITS), _with_digits),
        Form(
            b"number",
            _digits_where(NUMBER),
            _with_digits,
            is_allowed=lambda numerals: numerals[0] != "0",
            is_number=True,
        ),
        Form(b"uuid", _uuid_numerals, _with_uuid, radix=16),
    ),
}
