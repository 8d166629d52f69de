"""Drafts of what the authority and the people have to be told: facts of the register only, gaps named. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from privacy.breaches.affected import Affected
from privacy.breaches.clock import DEADLINE, deadline_at
from privacy.breaches.register import AUTHORITY, SUBJECTS, Breach

MISSING = "MISSING: not entered yet"
# (name in the register, heading): what GDPR Art. 33(3) and Art. 34(2) ask for.
AUTHORITY_FACTS = (
    ("nature", "Nature of the breach"),
    ("categories_of_data", "Categories of records"),
    ("n_records", "Approximate number of records"),
    ("categories_of_subjects", "Categories of people"),
    ("n_subjects", "Approximate number of people"),
    ("contact", "Data protection officer or other contact"),
    ("consequences", "Likely consequences"),
    ("measures", "Measures taken or proposed"),
)
SUBJECT_FACTS = (
    ("nature", "What happened"),
    ("categories_of_data", "Which of your data"),
    ("consequences", "What this may mean for you"),
    ("measures", "What we do, and what you can do"),
    ("contact", "Whom you can ask"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification that somebody has to read, complete and send: the same facts as text and as a document."""

    whom: str
    document: dict[str, Any]
    missing: tuple[str, ...]

    @property
    def json(self) -> str:
        """The document as JSON."""
        return json.dumps(self.document, indent=1, ensure_ascii=False) + "\n"

    @property
    def markdown(self) -> str:
        """The text as Markdown; what is missing says so under its own heading."""
        lines = [f"# {self.document['title']}", "", self.document["status"], ""]
        for section in self.document["sections"]:
            lines += [f"## {section['heading']}", "", *_lines(section["value"]), ""]
        if self.missing:
            lines += ["## Missing", "", *(f"- {name}" for name in self.missing), ""]
        return "\n".join(lines)

    @property
    def sha256(self) -> str:
        """The digest of the JSON text."""
        return hashlib.sha256(self.json.encode()).hexdigest()


def drafts(breach: Breach, affected: Affected | None, now: datetime) -> tuple[Draft, Draft]:
    """(to the authority, to the people) as of now."""
    return to_authority(breach, affected, now), to_subjects(breach, now)


def to_authority(breach: Breach, affected: Affected | None, now: datetime) -> Draft:
    """The notification of Art. 33(3). Counted figures stand beside the entered ones, never in their place."""
    sections = _sections(breach, AUTHORITY_FACTS)
    needed = [name for name, _ in AUTHORITY_FACTS]
    sections += [
        {"name": "aware_at", "heading": "Aware since", "value": breach.aware_at.isoformat()},
        {"name": "deadline_at", "heading": "To be notified by", "value": deadline_at(breach).isoformat()},
        {"name": "tables", "heading": "Tables reached", "value": _tables(breach) or MISSING},
        {"name": "counted", "heading": "Counted in these tables", "value": _counted(affected)},
    ]
    if now - breach.aware_at > DEADLINE:  # Art. 33(1): a late notification gives its reasons
        sections += _sections(breach, (("delay_reason", "Reasons for the delay"),))
        needed.append("delay_reason")
    missing = [*(n for n in needed if n not in breach.facts), *([] if breach.tables else ["tables"])]
    return _draft(AUTHORITY, "Notification of a personal data breach", breach, sections, missing, now)


def to_subjects(breach: Breach, now: datetime) -> Draft:
    """The communication of Art. 34(2) to the people themselves."""
    missing = [name for name, _ in SUBJECT_FACTS if name not in breach.facts]
    sections = _sections(breach, SUBJECT_FACTS)
    return _draft(SUBJECTS, "About your personal data", breach, sections, missing, now)


def _draft(
    whom: str, title: str, breach: Breach, sections: list[dict[str, Any]], missing: Sequence[str], now: datetime
) -> Draft:
    state = f"incomplete, {len(missing)} facts are missing" if missing else "complete as far as the register goes"
    document = {
        "title": title,
        "to": whom,
        "breach_id": breach.breach_id,
        "drafted_at": now.isoformat(),
        "status": f"DRAFT, {state}. Not sent. Somebody has to check it.",
        "sections": sections,
        "missing": list(missing),
    }
    return Draft(whom, document, tuple(missing))


def _sections(breach: Breach, facts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"name": name, "heading": heading, "value": breach.facts.get(name, MISSING)} for name, heading in facts]


def _tables(breach: Breach) -> list[str]:
    return [f"{t.table}, {t.first_on or 'its first day'} to {t.last_on or 'its last day'}" for t in breach.tables]


def _counted(affected: Affected | None) -> list[str] | str:
    if affected is None:
        return MISSING
    lines = [
        f"{f.n_subjects:,} people in {f.n_rows:,} rows of {f.table}"
        + (f" ({f.marked} names nobody and is made from it)" if f.is_by_lineage else f" ({f.key} ids)")
        for f in affected.found
    ]
    lines += [f"{table}: who is in it cannot be told from its rows" for table in affected.nameless]
    if affected.n_people is not None:
        lines.append(f"{affected.n_people:,} different people in all")
        lines.append(f"{affected.n_unidentified:,} pseudonyms that belong to nobody known any more")
    return lines or MISSING


def _lines(value: object) -> list[str]:
    return [f"- {item}" for item in value] if isinstance(value, list) else [str(value)]
