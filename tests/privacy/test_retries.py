"""A consent decision that commits while a chunk is computed wins: the chunk is computed again and obeys it."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy import transform as stage
from privacy.classification import load_rules
from privacy.consent import Decision, decisions_for, record_decisions, record_imported_evidence
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.privacy.events import START, event, rule_rows, store
from warehouse.database import Database


@pytest.mark.integration
def test_a_withdrawal_in_the_middle_of_a_chunk_is_obeyed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connect("collection") as conn:
        store(conn, [event(n) for n in range(5)])
    calls: list[list[str]] = []

    def withdraw_once(conn: object, subjects: list[str]) -> object:
        result = decisions_for(conn, subjects)  # type: ignore[arg-type]
        if not calls:
            with database.connect("privacy") as other:
                record_decisions(other, [Decision("u1", "analytics", "withdraw", START, START, "portal", "save")])
        calls.append(subjects)
        return result

    monkeypatch.setattr(stage, "decisions_for", withdraw_once)
    with database.connect("privacy") as conn:
        load_rules(conn, rule_rows(), START)
        record_imported_evidence(conn, {"u1": START}, ["analytics"], "file", "contract", START)
        report = transform_days(conn, pending_days(conn), Vault.open(tmp_path / "vault"))
        assert len(calls) == 2
        assert (report.n_in, report.n_pseudonymous, report.exclusions["no_consent"]) == (5, 0, 5)
        assert pending_days(conn) == []
