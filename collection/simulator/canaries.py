"""Canary tokens: unique values in every personal, sensitive and unruled field, for a search in every store."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from collection.simulator.kinds import emitted_paths
from collection.simulator.policy import ruled


@dataclass(frozen=True, slots=True)
class CanaryToken:
    """A planted value: `field` is 'event_type/pointer' or an identity column, `class_` the class it is ruled to."""

    token: str
    field: str
    class_: str


@cache
def field_tokens() -> tuple[CanaryToken, ...]:
    """One token per path that must not pass unchanged, in a form that fits the path's kind."""
    found = []
    for number, ((event_type, path), _) in enumerate(sorted(emitted_paths().items())):
        rule = ruled(event_type, path)
        if rule is None or rule.class_ in ("personal", "sensitive"):
            kind = rule.kind if rule else "free_text"
            token = _token(kind, f"{event_type}{path}", number)
            found.append(CanaryToken(token, event_type + path, rule.class_ if rule else "unruled"))
    return tuple(found)


@cache
def column_tokens(event_type: str) -> dict[str, str]:
    """Column to token, for the templates of one event type."""
    tokens = {token.field: token.token for token in field_tokens()}
    return {
        column: tokens[kind + path]
        for (kind, path), column in emitted_paths().items()
        if kind == event_type and kind + path in tokens
    }


def _token(kind: str, name: str, number: int) -> str:
    """A value in reserved ranges that nothing else in the log, and no program, writes."""
    word = hashlib.sha256(f"lethe canary {name}".encode()).hexdigest()
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in word[:14])
    digits = str(int(word[:12], 16)).zfill(15)[-9:]
    forms = {
        "email": f"{letters}@example.com",
        "name": f"{letters[:7].capitalize()} {letters[7:].capitalize()}",
        "phone": f"+1-202-555-01{number % 100:02d}-{digits[:7]}",
        "ssn": f"987-65-43{20 + number % 10}",
        "card": _with_check_digit(f"400000{digits}"),
        "ip": f"2001:db8:{word[:4]}:{word[4:8]}:{word[8:12]}::{word[12:16]}",
        "date_of_birth": f"19{number % 7:02d}-02-{1 + number % 28:02d}",
    }
    return forms.get(kind, f"zq{letters}")


def _with_check_digit(digits: str) -> str:
    """The digits and their Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)
