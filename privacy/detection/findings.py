"""What a detector says: kinds, exact spans, and which of two overlapping findings stands. It never holds a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

EMAIL = "email"
PHONE = "phone"
SSN = "ssn"
CREDIT_CARD = "credit_card"
IBAN = "iban"
IP_ADDRESS = "ip_address"
URL = "url"
DATE_OF_BIRTH = "date_of_birth"
FULL_NAME = "full_name"
POSTAL_ADDRESS = "postal_address"
SECRET = "secret"  # noqa: S105 - the name of a kind
PATTERN_KINDS = (EMAIL, PHONE, SSN, CREDIT_CARD, IBAN, IP_ADDRESS, URL, DATE_OF_BIRTH, POSTAL_ADDRESS, SECRET)
KINDS = (*PATTERN_KINDS, FULL_NAME)


class Field(Enum):
    """What a JSON path holds: people's writing, or what machines write (ids, counters, log lines)."""

    FREE_TEXT = "free_text"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Finding:
    """text[start:end] is of this kind. confidence in 0..1: a fixed weight of the rule, or a CRF's marginal."""

    kind: str
    start: int
    end: int
    confidence: float

    def overlaps(self, other: Finding) -> bool:
        return self.start < other.end and other.start < self.end


def resolved(findings: Iterable[Finding]) -> list[Finding]:
    """No two findings overlap, in order of place: the surer one stays, then the longer, then the earlier."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (-f.confidence, f.start - f.end, f.start, f.kind)):
        if not any(finding.overlaps(other) for other in kept):
            kept.append(finding)
    return sorted(kept, key=lambda f: f.start)
