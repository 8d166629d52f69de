"""Findings on a real database: who agreed, sealed, counted, refreshed after 30 days, gone after 90 or a withdrawal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from privacy.consent import Decision, record_decisions
from privacy.erasure.rows import prove
from privacy.erasure.targets import TARGETS
from privacy.osint.errors import InvalidFindingError, InvalidSourceError
from privacy.osint.findings import Finding, parsed
from privacy.osint.holdings import TABLE, due, n_due, of_person
from privacy.osint.importing import PURPOSE, Brought, Counts, take_in
from privacy.retention.execution import run
from privacy.retention.holds import keyed_by, place
from privacy.vault import Vault
from warehouse.database import ADMIN, Database

pytestmark = pytest.mark.integration
NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
AGREED = NOW - timedelta(days=50)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "vault")


@pytest.fixture
def agreeing(database: Database) -> Database:
    """Ada and Bob agreed; Cyd said nothing; Dan agreed to something else."""
    for user in ("ada", "bob"):
        decide(database, user, "grant", AGREED)
    decide(database, "dan", "grant", AGREED, "analytics")
    return database


def decide(database: Database, user: str, decision: str, at: datetime, purpose: str = PURPOSE) -> None:
    with database.connect("privacy") as conn:
        record_decisions(conn, [Decision(user, purpose, decision, at, at, "portal", "api")])


def found(user: str, text: str, days_ago: float = 0, kind: str = "profile") -> Finding:
    return Finding(user, kind, json.dumps(text).encode(), NOW - timedelta(days=days_ago))


def bring(
    database: Database,
    vault: Vault,
    findings: Sequence[Finding],
    at: datetime = NOW,
    erased: frozenset[str] = frozenset(),
) -> Counts:
    with database.connect("privacy") as conn:
        return take_in(conn, vault, findings, Brought("github", "anna", at), lambda users: {*users} & erased)


def held(database: Database, vault: Vault, user: str) -> list[object]:
    with database.connect("erasure") as conn:
        return [json.loads(row["finding"]) for row in of_person(conn, vault, [user]) if row["finding"]]


def retain(database: Database, vault: Vault, now: datetime) -> None:
    with database.connect("erasure") as conn:
        run(conn, None, keyed_by(vault), now)


def test_every_line_is_accounted_for_and_only_who_agrees_is_kept(agreeing: Database, vault: Vault) -> None:
    lines = [
        found("ada", "old", 2), found("ada", "new", 1), found("ada", "repos", 1, "repositories"), found("bob", "b"),
        found("cyd", "c"), found("dan", "d"), found("ada", "before she agreed", 51), found("eve", "e"),
    ]  # fmt: skip
    decide(agreeing, "eve", "grant", AGREED)
    counts = bring(agreeing, vault, lines, erased=frozenset({"eve"}))
    assert (counts.n_read, counts.n_stored, counts.n_refreshed, counts.n_duplicates) == (8, 3, 0, 1)
    assert counts.refused == {"no_consent": 3, "erased": 1}
    again = bring(agreeing, vault, [*lines[1:4], found("bob", "newer"), found("ada", "newest")])
    assert (again.n_read, again.n_stored, again.n_refreshed, again.n_duplicates) == (5, 0, 1, 4)
    assert held(agreeing, vault, "ada") == ["newest", "repos"]
    assert held(agreeing, vault, "bob") == ["b"]  # as new as what is here: nothing says which is right
    assert held(agreeing, vault, "cyd") == []
    with agreeing.connect(ADMIN) as conn:
        notes = conn.execute("select n_read, n_refused, refused ->> 'no_consent' from privacy.osint_imports").fetchall()
        everything = str(conn.execute(f"select f::text from {TABLE} f".encode()).fetchall())
        sealed = b"".join(row[0] for row in conn.execute(f"select sealed from {TABLE}".encode()))
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(
                "insert into privacy.osint_imports (source, imported_by, imported_at, n_read, n_stored, n_refreshed, "
                "n_duplicates, refused, n_refused) values ('s', 'a', now(), 3, 1, 0, 0, '{}', 1)"
            )
    assert sorted(notes) == [(5, 0, None), (8, 4, "3")]
    assert not any(user in everything for user in ("ada", "bob", "newest"))
    assert b"newest" not in sealed


def test_a_withdrawal_after_the_find_refuses_it_and_the_next_run_takes_what_is_held(
    agreeing: Database, vault: Vault
) -> None:
    bring(agreeing, vault, [found("ada", "a"), found("bob", "b")])
    later = NOW + timedelta(hours=1)
    decide(agreeing, "ada", "withdraw", later)
    assert bring(agreeing, vault, [found("ada", "again", -0.01)], later).refused == {"no_consent": 1}
    retain(agreeing, vault, later)
    assert (held(agreeing, vault, "ada"), held(agreeing, vault, "bob")) == ([], ["b"])


def test_a_finding_is_due_after_thirty_days_gone_after_ninety_and_a_hold_keeps_it(
    agreeing: Database, vault: Vault
) -> None:
    bring(agreeing, vault, [found("ada", "a"), found("bob", "b"), found("bob", "fresh", kind="repositories")])

    def asked(days: int) -> list[tuple[str, str]]:
        with agreeing.connect("erasure") as conn:
            return [(one.user_id, one.kind) for one in due(conn, keyed_by(vault), NOW + timedelta(days=days))]

    assert asked(30) == []
    assert sorted(asked(31)) == [("ada", "profile"), ("bob", "profile"), ("bob", "repositories")]
    at = NOW + timedelta(days=31)
    renewed = Finding("bob", "repositories", b'"renewed"', at)
    assert bring(agreeing, vault, [renewed], at).n_refreshed == 1
    decide(agreeing, "ada", "withdraw", at)
    assert asked(32) == [("bob", "profile")]  # ada's is not looked for any more
    decide(agreeing, "ada", "grant", at + timedelta(hours=1))
    with agreeing.connect("erasure") as conn:
        assert n_due(conn, NOW + timedelta(days=32)) == 2
        place(conn, placed_by="c", reason="court", now=NOW, subject="ada")
    retain(agreeing, vault, NOW + timedelta(days=90))
    assert (held(agreeing, vault, "ada"), held(agreeing, vault, "bob")) == (["a"], ["b", "renewed"])
    retain(agreeing, vault, NOW + timedelta(days=91))
    assert (held(agreeing, vault, "ada"), held(agreeing, vault, "bob")) == (["a"], ["renewed"])


def test_what_is_past_its_term_already_is_not_taken_in(agreeing: Database, vault: Vault) -> None:
    decide(agreeing, "zoe", "grant", NOW - timedelta(days=200))
    counts = bring(agreeing, vault, [found("zoe", "z", 91), found("zoe", "y", 90, "repositories")])
    assert (counts.n_stored, counts.refused) == (1, {"past_term": 1})


def test_a_bad_line_or_source_leaves_nothing_behind(agreeing: Database, vault: Vault) -> None:
    good = {"user_id": "ada", "kind": "profile", "finding": "a", "found_at": NOW.isoformat()}
    lines = [json.dumps(good).encode()] * 10_000 + [b"{}"]
    with agreeing.connect("privacy") as conn:
        findings = (parsed(line, n, NOW) for n, line in enumerate(lines, 1))
        with pytest.raises(InvalidFindingError, match="line 10001"):
            take_in(conn, vault, findings, Brought("github", "anna", NOW), lambda _: set())
        with pytest.raises(InvalidSourceError):
            take_in(conn, vault, [], Brought("Ada's page", "anna", NOW), lambda _: set())
        rows = conn.execute(f"select from {TABLE} union all select from privacy.osint_imports".encode()).fetchall()
    assert rows == []


def test_an_erasure_finds_it_by_a_predicate_that_is_shown_a_row_and_a_lost_key_loses_it(
    agreeing: Database, vault: Vault
) -> None:
    bring(agreeing, vault, [found("ada", "a"), found("bob", "b")])
    (target,) = [target for target in TARGETS if target.table == TABLE]
    with agreeing.connect("erasure") as conn:
        prove(conn, target)
        token = keyed_by(vault)(["ada"])["ada"]
        query = f"select count(*) from {TABLE} where {target.predicate}"
        assert conn.execute(query.encode(), {"tokens": [token]}).fetchone() == (1,)
        row = conn.execute(f"select subject, sealed from {TABLE} where subject = %s".encode(), (token,)).fetchone()
        # Beside another person's pseudonym it does not open: planted, and read as lost or refused.
        assert row is not None
        conn.execute(f"update {TABLE} set sealed = %s where subject <> %s".encode(), (row[1], token))
        conn.commit()
    assert held(agreeing, vault, "bob") == []
    vault.forget(["ada"])
    assert held(agreeing, vault, "ada") == []
