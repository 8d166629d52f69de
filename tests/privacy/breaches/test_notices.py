"""Drafts: every fact of the register is in them, no other is, and what is missing is named."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from privacy.breaches.affected import Affected, Found
from privacy.breaches.notices import AUTHORITY_FACTS, MISSING, SUBJECT_FACTS, drafts
from privacy.breaches.register import Breach, MarkedTable

AWARE = datetime(2026, 6, 1, 9, tzinfo=UTC)
FACTS = {
    "nature": "a laptop with an export was lost",
    "categories_of_data": ["events", "predictions"],
    "categories_of_subjects": ["users"],
    "n_subjects": 12,
    "n_records": 4000,
    "consequences": "somebody may read what users did",
    "measures": "the disk was wiped from afar",
    "contact": "officer@example.org",
}
AFFECTED = Affected(
    (Found("raw.system_logs", "raw.system_logs", "raw", 4000, 12), Found("a.b", "raw.system_logs", "raw", 9, 3)),
    ("raw.quarantine",), 12, 1, ("u1",),
)  # fmt: skip


def breach(facts: dict[str, object], *tables: MarkedTable) -> Breach:
    return Breach(7, "lost laptop", AWARE, "officer", AWARE, facts, tables)


def test_a_breach_with_all_facts_has_nothing_missing() -> None:
    table = MarkedTable("raw.system_logs", date(2026, 5, 1), None)
    authority, subjects = drafts(breach(FACTS, table), AFFECTED, AWARE + timedelta(hours=5))
    assert authority.missing == subjects.missing == ()
    for value in ("a laptop with an export was lost", "- events", "4000", "12 people in 4,000 rows of raw.system_logs",
                  "raw.system_logs, 2026-05-01 to its last day", "2026-06-04T09:00:00+00:00",
                  "raw.quarantine: who is in it cannot be told"):  # fmt: skip
        assert value in authority.markdown
    assert "a laptop with an export was lost" in subjects.markdown
    assert "raw.system_logs" not in subjects.markdown
    assert MISSING not in authority.markdown + subjects.markdown
    assert "u1" not in authority.markdown + authority.json + subjects.markdown


def test_an_empty_breach_names_every_gap_and_makes_nothing_up() -> None:
    authority, subjects = drafts(breach({}), None, AWARE)
    assert authority.missing == (*(name for name, _ in AUTHORITY_FACTS), "tables")
    assert subjects.missing == tuple(name for name, _ in SUBJECT_FACTS)
    facts = {s["name"]: s["value"] for s in authority.document["sections"]}
    assert facts == {
        **dict.fromkeys((name for name, _ in AUTHORITY_FACTS), MISSING),
        "aware_at": "2026-06-01T09:00:00+00:00", "deadline_at": "2026-06-04T09:00:00+00:00",
        "tables": MISSING, "counted": MISSING,
    }  # fmt: skip
    assert "DRAFT, incomplete" in authority.markdown


def test_each_gap_is_named_alone() -> None:
    for name in FACTS:
        facts = {key: value for key, value in FACTS.items() if key != name}
        authority, _ = drafts(breach(facts, MarkedTable("a.b")), AFFECTED, AWARE)
        assert authority.missing == (name,)


def test_after_72_hours_the_delay_has_to_be_explained() -> None:
    late = AWARE + timedelta(hours=73)
    authority, _ = drafts(breach(FACTS, MarkedTable("a.b")), AFFECTED, late)
    assert authority.missing == ("delay_reason",)
    explained = {**FACTS, "delay_reason": "the count took longer"}
    authority, _ = drafts(breach(explained, MarkedTable("a.b")), AFFECTED, late)
    assert authority.missing == ()
    assert "the count took longer" in authority.markdown


def test_text_and_document_say_the_same_and_repeat() -> None:
    first, _ = drafts(breach(FACTS), AFFECTED, AWARE)
    again, _ = drafts(breach(FACTS), AFFECTED, AWARE)
    assert first.sha256 == again.sha256
    assert json.loads(first.json) == first.document
