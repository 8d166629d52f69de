"""The ledger outside the database: durable, chained, blinded, and heard by whoever takes events in."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from privacy.erasure.errors import BrokenLedgerError
from privacy.erasure.keys import Blinder, SubjectKeys
from privacy.erasure.ledger import COMPLETED, OPENED, REFUSAL, START, Ledger
from tests.privacy.erasure.world import ALIAS, NOW, OTHER, PERSON

KEYS = SubjectKeys((PERSON, ALIAS), ("u_1",), (b"member",))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "erasures" / "ledger.jsonl", Blinder(b"k" * 32))
    for number, kind in enumerate((OPENED, COMPLETED, OPENED)):
        made.append(kind, f"erasure-{number // 2}", made.blinder.all_of(KEYS), NOW, None if kind == OPENED else "r")
    return made


def test_late_events_are_refused_for_56_days(ledger: Ledger) -> None:
    assert ledger.is_erased([PERSON, ALIAS, OTHER], NOW) == {PERSON, ALIAS}
    assert ledger.is_erased([PERSON], NOW + REFUSAL - timedelta(seconds=1)) == {PERSON}
    assert ledger.is_erased([PERSON], NOW + REFUSAL) == set()
    assert timedelta(days=56) == REFUSAL


def test_the_file_names_nobody(ledger: Ledger) -> None:
    content = ledger.path.read_text()
    assert not any(key in content for key in (PERSON, ALIAS, "u_1", b"member".hex()))
    assert ledger.path.stat().st_mode & 0o777 == 0o600


def test_the_same_fact_twice_is_one_entry(ledger: Ledger) -> None:
    before = ledger.path.read_bytes()
    ledger.append(COMPLETED, "erasure-0", ledger.blinder.all_of(KEYS), NOW, "r")
    assert ledger.path.read_bytes() == before


def test_the_head_is_the_last_completed_erasure(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.head() == ledger.entries()[1].digest
    empty = Ledger(tmp_path / "none.jsonl", ledger.blinder)
    assert (empty.head(), empty.entries(), empty.is_erased([PERSON], NOW)) == (START, [], set())


def test_a_torn_last_line_was_never_acted_on(ledger: Ledger) -> None:
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + b'{"kind": "comp')
    assert len(ledger.entries()) == 3
    ledger.append(COMPLETED, "erasure-1", [b"x"], NOW, "s")
    assert len(ledger.entries()) == 4
    assert ledger.path.read_bytes().startswith(whole)


@pytest.mark.parametrize("fault", ["edit", "delete", "reorder", "no json"])
def test_a_changed_ledger_is_refused(ledger: Ledger, fault: str) -> None:
    lines = ledger.path.read_text().splitlines()
    if fault == "edit":
        entry = json.loads(lines[0])
        lines[0] = json.dumps(entry | {"refuse_until": NOW.isoformat()})
    elif fault == "delete":
        del lines[1]
    elif fault == "reorder":
        lines[0], lines[1] = lines[1], lines[0]
    else:
        lines[1] = "x"
    ledger.path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BrokenLedgerError, match="ledger"):
        ledger.entries()
