"""What an export says about itself: for whom, of what, what it lacks. The same facts open every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from privacy.exports.columns import MEANINGS
from privacy.exports.spool import Spooled

# What a table is to the person, where its name does not say.
WORDS = {
    "raw.system_logs": "What you did in the product, as it was recorded",
    "consent.consent_events": "Every decision you made about the use of your data",
    "consent.consent_settings": "Your decisions as they are now",
    "consent.served_notices": "The notices you were shown",
    "safe.pseudonymous_events": "Your events under a pseudonym, as analyses see them",
    "features.ftr_user_weekly": "Figures computed about you, from which models learn and predict",
    "features.lbl_user_churn": "Whether you came back, as models learn it",
    "ml.predictions": "What models predicted about you",
    "ml.published_predictions": "Predictions about you that are in use",
    "ml.model_feedback": "What became of predictions about you, and how they were rated",
    "ml.recommendations": "What a model expects you to do next",
    "ml.risk_scores": "How far your use stood out as fraud or automation might, and by which signs",
    "privacy.privacy_requests": "Requests that you made about your data",
    "privacy.request_events": "What was done about your requests, by whom and why",
    "privacy.access_log": "Who looked at your data, when and what for, until this package was made",
    "privacy.exports": "Packages like this one that were made for you",
    "quarantine": "What you did and could not be read on arrival, as it came",
    "privacy.osint_findings": "What public sources say about you, as it was added to your profile",
    "privacy.identity_merges": "Ids that were found to be yours as well, and who said so",
    "models": "Models that learned from your data",
}
CALLED = {
    "raw": "your own id",
    "keyed": "a pseudonym made from your id with a secret key",
    "blinded": "a code made from your id with a secret key",
    "told": "worked out for this export",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """One export: its tables on disk, tables that do not exist yet, and notices about what nobody can tell."""

    export_id: str
    request_id: str
    kind: str
    subject: str = field(repr=False)
    created_at: datetime
    tables: tuple[Spooled, ...]
    absent: tuple[str, ...] = ()
    notices: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        return sum(table.n_rows for table in self.tables)


def about(contents: Contents) -> dict[str, Any]:
    """The facts of an export as plain data; no row."""
    return {
        "export_id": contents.export_id,
        "request_id": contents.request_id,
        "kind": contents.kind,
        "subject": contents.subject,
        "created_at": contents.created_at.isoformat(),
        "n_rows": contents.n_rows,
        "tables": [
            {
                "name": table.name,
                "meaning": WORDS.get(table.name, "Derived from what you did"),
                "you_are_called_by": CALLED[table.key],
                "n_rows": table.n_rows,
                "columns": [{"name": column.name, "type": column.kind} for column in table.columns],
            }
            for table in contents.tables
        ],
        "not_made_yet": list(contents.absent),
        "not_known": [{"about": name, "notice": notice} for name, notice in contents.notices.items()],
        "types": MEANINGS,
    }
