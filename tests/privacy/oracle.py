"""The privacy rules once more in plain Python, row by row: slow, obvious, and written apart from the SQL."""

from __future__ import annotations

import re
from datetime import datetime

Row = tuple[str, str, str, datetime, datetime]


def purposes(
    subject: str | None, created: datetime, received: datetime, ledger: list[Row], carried: tuple[str, ...]
) -> set[str]:
    """The contract of consent, by brute force over the ledger in order."""
    if subject is None:
        return set(carried)
    held = set()
    for purpose in carried:
        history = [(row[3], n, row) for n, row in enumerate(ledger) if row[:2] == (subject, purpose)]
        if not history:
            continue
        known = [entry for entry in history if entry[2][3] <= created and entry[2][4] <= received]
        then = max(known)[2][2] if known else None
        if then == "grant" and max(history)[2][2] == "grant":
            held.add(purpose)
    return held


def in_force(ledger: list[Row], subject: str, purpose: str, at: datetime, known_at: datetime) -> str | None:
    """The decision that no other beats, every one against every other: O(n^2), by the sentence of the contract."""
    eligible = [
        (n, row)
        for n, row in enumerate(ledger)
        if row[0] == subject and row[1] == purpose and row[3] <= at and row[4] <= known_at
    ]
    for n, row in eligible:
        if not any(other[3] > row[3] or (other[3] == row[3] and m > n) for m, other in eligible):
            return row[2]
    return None


def usable(ledger: list[Row], subject: str, purpose: str, event: tuple[datetime, datetime], built_at: datetime) -> bool:
    """Consent held at the event, was known when the event came in, and still holds by all that is known at build."""
    created, received = event
    then = in_force(ledger, subject, purpose, created, received)
    now = in_force(ledger, subject, purpose, built_at, built_at)
    return then == "grant" and now == "grant"


def email(x: str) -> str | None:
    return f"{x[:3]}***@***.***" if "@" in x and len(x) > 5 else None


def _last_four(x: str, mask: str) -> str | None:
    escaped = re.search(r'["\\\x00-\x1f]', x)
    return mask + x[-4:] if re.search(r"[0-9]{4}\Z", x) and not escaped else None


def phone(x: str) -> str | None:
    return _last_four(x, "***-***-") if len(x.encode()) >= 7 else None


def ssn(x: str) -> str | None:
    return _last_four(x, "***-**-") if 9 <= len(x.encode()) <= 11 else None


def credit_card(x: str) -> str | None:
    return _last_four(x, "****-****-****-") if len(x.encode()) >= 12 else None


def ip_address(x: str) -> str | None:
    return f"{x.split('.', maxsplit=1)[0]}.***.***.***" if re.fullmatch(r"([0-9]{1,3}\.){3}[0-9]{1,3}", x) else None


def full_name(x: str) -> str | None:
    words = [word for word in x.split(" ") if word]
    return f"{words[0][0]}*** {words[-1][0]}***" if words else None


def date_of_birth(_: str) -> str | None:
    return "**/**/****"


MASKS = {
    "email": email,
    "phone": phone,
    "ssn": ssn,
    "credit_card": credit_card,
    "ip_address": ip_address,
    "full_name": full_name,
    "date_of_birth": date_of_birth,
}
