"""The decision journal of a home that ran: every kind of decision that was made is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml.journal import Event
from tests.integration.conftest import Completed

# Of trainings that go wrong: tests/ml/test_registry.py and test_promotion.py.
MISHAPS = {Event.TRAINING_FAILED, Event.TRAINING_STOPPED, Event.ISSUE_DETECTED}


@pytest.mark.integration
@pytest.mark.xdist_group("completed")
def test_a_run_and_a_download_journal_every_decision(completed: Completed, tmp_path: Path) -> None:
    copy = tmp_path / "churn.skops"
    done = completed.home.run("download", "--to", str(copy))
    assert done.code == 0, done.err
    assert f"{copy.stat().st_size:,} bytes" in done.out
    again = completed.home.run("download", "--to", str(copy))
    assert (again.code, "exists; name another file" in again.err) == (2, True)
    lines = [line for path in (completed.home.path / "logs").iterdir() for line in path.read_text().splitlines()]
    entries = [json.loads(line) for line in lines]
    assert {entry["event"] for entry in entries} - {str(event) for event in MISHAPS} == {
        str(event) for event in set(Event) - MISHAPS
    }
    assert all(entry["decision"] and entry["reasoning"] for entry in entries)
