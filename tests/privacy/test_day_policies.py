"""A change of one rule: exactly the days that hold its events become pending, and none is left stale."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from privacy.classification import confirm, load_rules, reject
from privacy.consent import record_imported_evidence
from privacy.day_policies import type_digests
from privacy.errors import AmbiguousRuleError
from privacy.policy import CompiledPolicy, make_rule
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.privacy.events import START, event, rule_rows, store
from tests.privacy.test_transform import contents
from warehouse.database import Database

DAY = timedelta(days=1)
TYPES = ("page", "rare", "other", "u1@example.com")  # the last is no safe label: its rules are those of no type
# What a day's events hold beside what is ruled, each from another day on: an added rule touches only such days.
ODD: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"hint": {}},
    {"hint": None},
    {"deep": {"a": {"b": 1}}},
    {"deep": [{"a": "x"}, 7]},
    {"deep": 3},
    {"Hint": 1},
)
PATHS = ("/data/hint", "/data/plan", "/data/deep/a/b", "/data/deep/*", "/data/deep/*/a", "/client_info/os")
KINDS = (("non_personal", "category"), ("sensitive", "text"), ("pseudonymized", "id"), ("personal", "email"))


def day(number: int) -> date:
    return (START + number * DAY).date()


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> tuple[Database, Vault]:
    """Twelve days: 'page' on all, 'rare' on two, 'other' on every third, an unsafe type on one."""
    held = [(n, t) for n in range(12) for t in TYPES if t == "page" or n % {"rare": 6, "other": 3}.get(t, 11) == 2]
    rows = [
        event(n * 10 + i, {"plan": "pro"} | ({"hint": "x"} if t != "page" else ODD[n % len(ODD)]), event_type=t,
              user_id=f"u{i % 2}", created_at=START + n * DAY, client_info='{"os": "x"}' if n % 5 == 4 else None)
        for i, (n, t) in enumerate(held)
    ]  # fmt: skip
    with database.connect("collection") as conn:
        store(conn, rows)
    vault = Vault.open(tmp_path / "vault")
    with database.connect("privacy") as conn:
        load_rules(conn, rule_rows(), START)
        first = dict.fromkeys(("u0", "u1"), START - DAY)
        record_imported_evidence(conn, first, ["analytics", "sharing"], "test", "contract", START - DAY)
        transform_days(conn, pending_days(conn), vault)
        assert pending_days(conn) == []
    return database, vault


def is_current(conn: psycopg.Connection, vault: Vault) -> bool:
    """Whether making every day again changes nothing."""
    before = contents(conn)
    days = [row[0] for row in conn.execute("select event_day from raw.event_days").fetchall()]
    transform_days(conn, days, vault)
    return contents(conn) == before


def rule(conn: psycopg.Connection, event_type: str, path: str, *, kind: tuple[str, str] = KINDS[0]) -> list[date]:
    confirm(conn, event_type, path, *kind, "s", "r", decided_at=START)
    return pending_days(conn)


@pytest.mark.integration
def test_a_ruling_makes_its_days_pending_and_no_other(filled: tuple[Database, Vault]) -> None:
    database, vault = filled
    with database.connect("privacy") as conn:
        assert rule(conn, "rare", "/data/hint") == [day(2), day(8)]
        transform_days(conn, pending_days(conn), vault)
        assert reject(conn, "other", "/data/plan", "s", "r", decided_at=START)
        assert pending_days(conn) == [day(n) for n in (2, 5, 8, 11)]
        transform_days(conn, pending_days(conn), vault)
        assert rule(conn, "absent", "/data/hint") == []
        # Types without rules of their own, the unsafe label among them, obey '*' alone; all others obey it beside.
        assert set(rule(conn, "*", "/data/hint")) == {day(n) for n in range(2, 12)}  # 0 and 1: nothing unknown
        transform_days(conn, pending_days(conn), vault)
        assert is_current(conn, vault)
        # A rule that is changed or replaced touches every day with events of its type; a refused one none.
        assert rule(conn, "page", "/data/plan", kind=KINDS[1]) == [day(n) for n in range(12)]
        transform_days(conn, pending_days(conn), vault)
        with pytest.raises(AmbiguousRuleError):
            rule(conn, "page", "/data/plan/inner")
        conn.rollback()
        assert pending_days(conn) == []


@pytest.mark.integration
def test_no_history_of_rulings_leaves_a_day_stale(filled: tuple[Database, Vault]) -> None:
    database, vault = filled
    drawn = random.Random(7)  # noqa: S311 - a fixed history
    with database.connect("privacy") as conn:
        n_refused = 0
        for turn in range(16):
            try:
                rule(conn, drawn.choice((*TYPES, "*")), drawn.choice(PATHS), kind=drawn.choice(KINDS))
            except AmbiguousRuleError:
                n_refused += 1
                conn.rollback()
            transform_days(conn, pending_days(conn), vault)
            assert pending_days(conn) == []
            assert turn % 5 or is_current(conn, vault)
        assert n_refused < 8
        assert is_current(conn, vault)


@pytest.mark.integration
def test_a_day_that_claims_rules_it_was_not_made_under_is_seen_to_be_stale(filled: tuple[Database, Vault]) -> None:
    database, vault = filled
    with database.connect("privacy") as conn:
        rule(conn, "rare", "/data/hint")
        claimed = type_digests(CompiledPolicy.of([make_rule("rare", "/data/hint", "non_personal", "category")]))["rare"]
        conn.execute(
            "update safe.event_days set type_digests = jsonb_set(type_digests, '{rare}', to_jsonb(%s::text)) "
            "where event_day = %s", (claimed, day(8)),
        )  # fmt: skip
        assert pending_days(conn) == [day(2)]
        transform_days(conn, pending_days(conn), vault)
        assert not is_current(conn, vault)
        assert is_current(conn, vault)
        # Nor is a day made as it should be that was passed over because its census was lost.
        conn.execute("delete from safe.exclusions where event_day = %s", (day(9),))
        assert day(9) not in rule(conn, "page", "/client_info/os")
        transform_days(conn, pending_days(conn), vault)
        made = contents(conn)["safe.pseudonymous_events"]
        transform_days(conn, [day(9)], vault)
        assert contents(conn)["safe.pseudonymous_events"] != made


@pytest.mark.integration
def test_a_day_recorded_before_types_were_told_apart_is_pending_after_any_change(
    filled: tuple[Database, Vault],
) -> None:
    database, _ = filled
    with database.connect("privacy") as conn:
        conn.execute("update safe.event_days set type_digests = null where event_day = %s", (day(0),))
        assert pending_days(conn) == []
        assert rule(conn, "absent", "/data/hint") == [day(0)]


def test_a_digest_tells_rules_and_people_apart_and_not_who_names_a_rule() -> None:
    def digests(*rules: Any, k: int = 5) -> dict[str, str]:
        return type_digests(CompiledPolicy.of([make_rule(*rule) for rule in rules], k))

    of_all, of_page = ("*", "/data/a", "non_personal", "count"), ("page", "/data/a", "non_personal", "count")
    assert digests(of_all)["*"] == digests(of_all, of_page)["page"]
    assert digests(of_all)["*"] != digests(of_all, k=6)["*"]
    assert digests(of_page)["*"] != digests(of_page)["page"]
    assert digests(("page", "/data/a", "sensitive", "count"))["page"] != digests(of_page)["page"]
