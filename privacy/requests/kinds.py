"""The kinds of request, and what each may carry. What they do is in effects.py and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """A right of the General Data Protection Regulation, by its article."""

    ACCESS = "access"  # 15
    EXPORT = "export"  # 20, portability
    ERASURE = "erasure"  # 17
    RESTRICTION = "restriction"  # 18
    OBJECTION = "objection"  # 21
    ANONYMISE = "anonymise"  # instead of 17, where the person agrees: unlinked for good, the rest stays
    RECTIFICATION = "rectification"  # 16


@dataclass(frozen=True, slots=True)
class Task:
    """What an effect gets: whose request, of what kind, and the details given with it (corrections, purposes)."""

    request_id: str
    kind: Kind
    subject: str = field(repr=False)
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    by: str = "not said"  # who carries it out
