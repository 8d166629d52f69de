"""ClassificationService: what nobody ruled on, and rulings. Thin: privacy/classification.py does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy import classification, classification_items
from privacy.classification import Ruling
from privacy.classification_items import ClassificationItem, UnknownPath

if TYPE_CHECKING:
    from orchestration.platform import Platform


@dataclass(frozen=True, slots=True)
class ClassificationService:
    """Rules on fields of one home. A change is audited, and the next run transforms the days that it touches."""

    platform: Platform

    def unknown(self) -> list[UnknownPath]:
        """Paths without a rule, the most frequent first, each with a proposal; no value of them."""
        with self.platform.database.connect("privacy") as conn:
            return classification.list_unknown(conn)

    def items(self, state: str | None = None) -> list[ClassificationItem]:
        """What waited or waits for a steward, in one state (open, confirmed, rejected) or all."""
        with self.platform.database.connect("privacy") as conn:
            return classification_items.items(conn, state)

    def confirm(  # noqa: PLR0913 - the columns of one ruling
        self,
        event_type: str,
        path: str,
        *,
        klass: str,
        kind: str,
        steward: str,
        reason: str,
        treatment: str | None = None,
    ) -> bool:
        """Rule on a path; False when it was ruled so already. Raises InvalidRuleError or AmbiguousRuleError."""
        with self.platform.database.connect("privacy") as conn:
            return classification.confirm(
                conn, event_type, path, klass, kind, steward, reason,
                decided_at=self.platform.settings.now(), treatment=treatment,
            )  # fmt: skip

    def reject(self, event_type: str, path: str, *, steward: str, reason: str) -> bool:
        """Rule that a path never passes; False when it was ruled so already."""
        now = self.platform.settings.now()
        with self.platform.database.connect("privacy") as conn:
            return classification.reject(conn, event_type, path, steward, reason, decided_at=now)

    def audit(self, event_type: str, path: str) -> list[Ruling]:
        """Every ruling on a path, the oldest first."""
        with self.platform.database.connect("privacy") as conn:
            return classification.audit(conn, event_type, path)
