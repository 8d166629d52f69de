"""Rules in the database, the policy digest, and proposals for what no rule names."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy.classification import confirm, list_unknown, load_rules, policy_digest, reject
from privacy.errors import AmbiguousRuleError, InvalidRuleError
from privacy.proposals import propose
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.privacy.events import START, event, rule_rows, store
from warehouse.database import Database


@pytest.mark.integration
def test_loading_rules_twice_changes_nothing(database: Database) -> None:
    with database.connect("privacy") as conn:
        assert load_rules(conn, rule_rows(), START) == len(rule_rows())
        digest = policy_digest(conn)
        assert load_rules(conn, rule_rows(), START) == 0
        assert policy_digest(conn) == digest
        assert confirm(conn, "page", "/data/plan", "sensitive", "text", "s", "changed", decided_at=START)
        assert policy_digest(conn) != digest


@pytest.mark.integration
def test_contradicting_rules_are_refused_and_change_nothing(database: Database) -> None:
    with database.connect("privacy") as conn:
        load_rules(conn, rule_rows(), START)
        digest = policy_digest(conn)
        with pytest.raises(AmbiguousRuleError, match="/data/plan"):
            load_rules(conn, rule_rows([("page", "/data/plan/x", "non_personal", "count")]), START)
        assert policy_digest(conn) == digest


@pytest.mark.parametrize(
    ("path", "klass", "kind"),
    [
        ("/data", "personal", "email"),
        ("/other/x", "personal", "email"),
        ("/data/x", "public", "email"),
        ("/data/x", "personal", "shoe_size"),
        ('/data/a"b', "personal", "email"),
        ("/data/_metadata", "personal", "email"),
    ],
)
@pytest.mark.integration
def test_a_rule_that_cannot_be_obeyed_is_refused(database: Database, path: str, klass: str, kind: str) -> None:
    with database.connect("privacy") as conn, pytest.raises(InvalidRuleError):
        load_rules(conn, rule_rows([("page", path, klass, kind)]), START)


@pytest.mark.integration
def test_unknown_paths_are_listed_with_a_proposal_until_ruled(database: Database, tmp_path: Path) -> None:
    data = {"contact": "ada@example.com", "theme": "dark", "steps": [{"n_clicks": 3}], "remark": "call me"}
    with database.connect("collection") as conn:
        store(conn, [event(n, data, user_id=None) for n in range(40)])
    vault = Vault.open(tmp_path / "vault")
    with database.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), vault)
        listed = {found.path: found for found in list_unknown(conn)}
        assert {path: (f.n_events, f.proposal.klass, f.proposal.kind) for path, f in listed.items()} == {
            "/data/contact": (40, "personal", "email"),
            "/data/theme": (40, "non_personal", "category"),
            "/data/steps/*/n_clicks": (40, "non_personal", "count"),
            "/data/remark": (40, "non_personal", "category"),
        }
        assert all("ada" not in found.proposal.why for found in listed.values())
        confirm(conn, "page", "/data/theme", "non_personal", "category", "s", "a setting", decided_at=START)
        reject(conn, "page", "/data/contact", "s", "not needed", decided_at=START)
        transform_days(conn, pending_days(conn), vault)
        assert {found.path for found in list_unknown(conn)} == {"/data/steps/*/n_clicks", "/data/remark"}


def test_a_path_without_evidence_is_proposed_as_personal() -> None:
    assert propose("/data/xyz", []).klass == "personal"
    assert propose("/data/xyz", [("string", f"word {n}") for n in range(100)]).klass == "personal"
    assert propose("/data/n_items", [("string", "three")]).klass == "personal"
    assert propose("/data/password", [("string", "x")]).klass == "sensitive"
