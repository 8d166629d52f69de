"""Rules in the database, the policy digest, and proposals for what no rule names."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from privacy.classification import audit, confirm, list_unknown, load_rules, policy_digest, raise_items, reject
from privacy.classification_items import items
from privacy.errors import AmbiguousRuleError, InvalidRuleError
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


def found_paths(database: Database, folder: Path, data: dict[str, object], n: int = 40) -> Vault:
    """A day of n events that hold the data, transformed once."""
    with database.connect("collection") as conn:
        store(conn, [event(i, data, user_id=None) for i in range(n)])
    vault = Vault.open(folder / "vault")
    with database.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), vault)
    return vault


@pytest.mark.integration
def test_a_new_path_raises_one_item_however_many_events_hold_it(database: Database, tmp_path: Path) -> None:
    vault = found_paths(database, tmp_path, {"contact": "ada@example.com", "author": "Ada Lovelace"})
    with database.connect("privacy") as conn:
        assert raise_items(conn) == 2
        assert raise_items(conn) == 0
        (author, contact) = items(conn)
        assert (contact.path, contact.state, contact.proposed_kind) == ("/data/contact", "open", "email")
        assert (contact.first_seen_on, contact.confidence) == (START.date(), 0.99)
        assert "ada" not in repr([author, contact]).lower()
    with database.connect("collection") as conn:
        late = {"user_id": None, "created_at": START - timedelta(days=2)}
        store(conn, [event(i, {"contact": "b@c.de"}, **late) for i in range(90, 95)])
    with database.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), vault)
        assert raise_items(conn) == 0
        list_unknown(conn)
        assert [item.first_seen_on for item in items(conn, "open")] == [
            (START - timedelta(days=2)).date(),
            START.date(),
        ]


@pytest.mark.integration
def test_rulings_settle_items_are_audited_and_make_days_pending(database: Database, tmp_path: Path) -> None:
    vault = found_paths(database, tmp_path, {"contact": "ada@example.com", "theme": "dark", "size": 3})
    with database.connect("privacy") as conn:
        raise_items(conn)
        assert pending_days(conn) == []
        assert confirm(conn, "page", "/data/contact", "personal", "email", "s1", "masked", decided_at=START)
        assert pending_days(conn) == [START.date()]
        assert reject(conn, "page", "/data/theme", "s2", "not needed", decided_at=START)
        load_rules(conn, rule_rows([("*", "/data/size", "non_personal", "count")]), START)
        assert {i.path: (i.state, i.decided_by) for i in items(conn)} == {
            "/data/contact": ("confirmed", "s1"), "/data/theme": ("rejected", "s2"), "/data/size": ("confirmed", "s"),
        }  # fmt: skip
        assert not confirm(conn, "page", "/data/contact", "personal", "email", "s1", "masked", decided_at=START)
        assert reject(conn, "page", "/data/contact", "s3", "too much", decided_at=START)
        first, second = audit(conn, "page", "/data/contact")
        assert (first.action, first.old_class, first.new_kind, first.decided_by) == ("confirmed", None, "email", "s1")
        assert (first.proposed_kind, first.confidence) == ("email", 0.99)
        assert (second.action, second.old_kind, second.new_class) == ("rejected", "email", "sensitive")
        transform_days(conn, pending_days(conn), vault)
        assert pending_days(conn) == []


@pytest.mark.integration
def test_a_ruling_may_ask_for_tokens_in_the_format_and_is_carried_out(database: Database, tmp_path: Path) -> None:
    vault = found_paths(database, tmp_path, {"contact": "ada@example.com"}, n=3)
    ruled = ("page", "/data/contact", "pseudonymized", "email", "s", "the CRM takes addresses only")
    with database.connect("privacy") as conn:
        assert confirm(conn, *ruled, decided_at=START)
        assert confirm(conn, *ruled, decided_at=START, treatment="format")
        assert [(r.old_treatment, r.new_treatment) for r in audit(conn, *ruled[:2])] == [
            (None, "token"), ("token", "format"),
        ]  # fmt: skip
        assert pending_days(conn) == [START.date()]
        transform_days(conn, pending_days(conn), vault)
        with pytest.raises(InvalidRuleError, match="class personal allows mask or drop"):
            confirm(conn, *ruled[:2], "personal", *ruled[3:], decided_at=START, treatment="format")


@pytest.mark.integration
def test_a_refused_ruling_leaves_item_and_audit_alone(database: Database, tmp_path: Path) -> None:
    found_paths(database, tmp_path, {"contact": "ada@example.com"})
    with database.connect("privacy") as conn:
        raise_items(conn)
        load_rules(conn, rule_rows([("page", "/data/contact/x", "non_personal", "count")]), START)
        with pytest.raises(AmbiguousRuleError):
            confirm(conn, "page", "/data/contact", "personal", "email", "s", "r", decided_at=START)
        assert [item.state for item in items(conn)] == ["open"]
        assert audit(conn, "page", "/data/contact") == []


@pytest.mark.integration
@pytest.mark.parametrize("statement", ["delete from", "truncate", "update"])
def test_the_audit_refuses_change(database: Database, statement: str) -> None:
    rest = " set reason = 'x'" if statement == "update" else ""
    with database.connect("privacy", autocommit=True) as conn:
        load_rules(conn, rule_rows(), START)
        with pytest.raises(psycopg.Error, match=r"append-only|permission denied"):
            conn.execute(f"{statement} privacy.classification_audit{rest}".encode())
        assert len(audit(conn, "page", "/data/plan")) == 1


@pytest.mark.integration
def test_an_item_without_decider_cannot_be_settled(database: Database) -> None:
    with database.connect("privacy") as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "insert into privacy.classification_items (event_type, path, first_seen_on, proposed_class, proposed_kind, "
            "confidence, why, state) values ('page', '/data/x', '2024-03-01', 'personal', 'text', 1, 'w', 'confirmed')"
        )
