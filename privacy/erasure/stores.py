"""What an erasure works on: every store that may hold a person, and one erasure under way. It does nothing itself."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from privacy.erasure.keys import SubjectKeys
from privacy.erasure.ledger import Ledger
from privacy.erasure.targets import TARGETS, Target
from privacy.vault import Vault
from warehouse.database import Database

Watch = Callable[[str], None]


class Models(Protocol):
    """What erasure needs to know of models: who was in which training set, and to mark what learnt from them."""

    def members(self, tokens: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        """The blinded subjects of pseudonyms by training set; only where they are members."""

    def taint(self, training_sets: Collection[str], *, cause: str, now: datetime) -> Sequence[Mapping[str, Any]]:
        """Mark the versions that learnt from the sets, once; what the receipt says of each."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that may hold a person. manifest: dbt's manifest as JSON, or None before dbt was parsed."""

    database: Database
    vault: Vault
    ledger: Ledger
    home: Path
    models: Models
    manifest: Mapping[str, Any] | None = None
    targets: tuple[Target, ...] = TARGETS
    random_bytes: Callable[[int], bytes] = secrets.token_bytes


@dataclass(frozen=True, slots=True)
class Work:
    """One erasure under way. watch hears of every step, before and after it."""

    stores: Stores
    erasure_id: str
    request_id: str
    keys: SubjectKeys
    opened_at: datetime
    now: datetime
    tainted: tuple[Mapping[str, Any], ...] = ()
    is_replay: bool = False
    watch: Watch = field(default=lambda _: None, repr=False)
