"""Drafts once for every marking: whoever looks and however often, killed anywhere; none of what cannot be counted."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from privacy.access_log import Reader
from privacy.breaches import register
from privacy.breaches.drafting import Drafting, undrafted, waiting
from privacy.breaches.errors import UndraftedBreachError
from privacy.breaches.register import Breach, MarkedTable
from privacy.vault import Vault
from tests.privacy.retention.world import Event, put_events
from warehouse.database import ADMIN, Database

AWARE = datetime(2026, 6, 1, 9, tzinfo=UTC)
READER = Reader("dagster", "drafts", "breach_drafts_job")
LOG = MarkedTable("raw.system_logs")


def no_lineage() -> Mapping[str, Sequence[str]]:
    return {}


def mark(conn: psycopg.Connection, number: int, *tables: MarkedTable) -> None:
    register.mark_tables(conn, number, tables, recorded_by="officer", now=AWARE)


def drafted(conn: psycopg.Connection, folder: Path) -> list[int]:
    """The breaches that one look drafts for."""
    desk = Drafting(conn, Vault.open(folder / "vault"), folder / "breaches", no_lineage)
    return [done.breach.breach_id for done in desk.due(READER, AWARE + timedelta(minutes=1)).drafted]


@pytest.fixture
def number(database: Database) -> int:
    """A breach, and two people in the log."""
    put_events(database, [Event("a", date(2026, 5, 1), "user-ada"), Event("b", date(2026, 5, 2), "user-bob")])
    with database.connect("erasure") as conn:
        return register.open_breach(conn, "lost laptop", aware_at=AWARE, opened_by="officer", now=AWARE)


def test_what_has_no_drafts_is_what_was_marked_since() -> None:
    breach = Breach(1, "t", AWARE, "o", AWARE, {}, markings=(3, 5, 9), drafted=(3, 9))
    assert undrafted(breach) == (5,)
    assert undrafted(Breach(1, "t", AWARE, "o", AWARE, {}, markings=(3,), closed_at=AWARE)) == ()


@pytest.mark.integration
def test_every_marking_is_drafted_once_for_all_who_look(database: Database, number: int, tmp_path: Path) -> None:
    with database.connect("erasure") as conn, database.connect("erasure") as other:
        assert drafted(conn, tmp_path) == []
        mark(conn, number, LOG)
        assert [drafted(each, tmp_path) for each in (conn, other, conn)] == [[number], [], []]
        register.add_facts(conn, number, {"nature": "n"}, recorded_by="officer", now=AWARE)
        assert drafted(other, tmp_path) == []
        mark(other, number, MarkedTable("raw.system_logs", date(2026, 5, 2)))
        assert drafted(conn, tmp_path) == [number]
        entries = [e for e in register.history(conn, number) if e.kind == "drafted"]
        looks = conn.execute("select actor, command, place, n_rows from privacy.access_log").fetchall()
    assert [e.details["whom"] for e in entries] == ["authority", "subjects"] * 2
    assert looks == [("dagster", "breach_drafts_job", "raw.system_logs", n) for n in (2, 3)]
    texts = {path.name: path.read_text() for path in (tmp_path / "breaches" / str(number)).iterdir()}
    assert "2 people in 2 rows of raw.system_logs" in texts["authority.md"]
    assert json.loads(texts["authority.json"])["to"] == "authority"
    assert sorted(texts) == ["authority.json", "authority.md", "subjects.json", "subjects.md"]
    assert "user-" not in "".join(texts.values())


@pytest.mark.integration
def test_a_marking_that_commits_late_is_not_overlooked(database: Database, number: int, tmp_path: Path) -> None:
    """Its entry has the smaller number: a count up to the newest one would take it for drafted."""
    with database.connect("erasure") as late, database.connect("erasure") as conn:
        late.execute(
            "insert into privacy.breach_entries (breach_id, kind, details, recorded_by, recorded_at) "
            "values (%s, 'tables', %s, 'officer', %s)",
            (number, json.dumps({"tables": [{"table": "raw.imports", "first_on": None, "last_on": None}]}), AWARE),
        )
        mark(conn, number, LOG)
        assert drafted(conn, tmp_path) == [number]
        late.commit()
        assert [drafted(conn, tmp_path) for _ in range(2)] == [[number], []]


@pytest.mark.integration
def test_killed_before_it_is_entered_it_is_done_at_the_next_look(
    database: Database, number: int, tmp_path: Path
) -> None:
    def die() -> Mapping[str, Sequence[str]]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    with database.connect("erasure") as conn:
        mark(conn, number, LOG)
    vault = Vault.open(tmp_path / "vault")
    if not (child := os.fork()):
        with database.connect("erasure") as conn:
            Drafting(conn, vault, tmp_path / "breaches", die).due(READER, AWARE)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    with database.connect(ADMIN) as conn:  # the files are written, and the register takes no entry
        conn.execute(
            "create function full_disk() returns trigger language plpgsql as $$ begin raise 'disk full'; end $$; "
            "create trigger planted before insert on privacy.breach_entries execute function full_disk()"
        )
    with database.connect("erasure") as conn, pytest.raises(psycopg.Error, match="disk full"):
        drafted(conn, tmp_path)
    with database.connect(ADMIN) as conn:
        conn.execute("drop trigger planted on privacy.breach_entries")
    with database.connect("erasure") as conn:
        assert conn.execute("select count(*) from privacy.access_log").fetchone() == (1,), "counted, and not drafted"
        assert [drafted(conn, tmp_path) for _ in range(2)] == [[number], []]


@pytest.mark.integration
def test_a_closed_breach_drafts_nothing(database: Database, number: int, tmp_path: Path) -> None:
    with database.connect("erasure") as conn:
        mark(conn, number, LOG)
        reasons = dict.fromkeys(("authority", "subjects"), "the disk was encrypted")
        register.close(conn, number, reasons=reasons, recorded_by="officer", now=AWARE)
        assert waiting(conn) == []
        assert drafted(conn, tmp_path) == []
    assert not (tmp_path / "breaches").exists()


@pytest.mark.integration
def test_a_table_that_is_gone_is_named_and_keeps_no_other_breach_from_its_drafts(
    database: Database, number: int, tmp_path: Path
) -> None:
    with database.connect("erasure") as conn:
        mark(conn, number, MarkedTable("marts.gone"))
        other = register.open_breach(conn, "a key", aware_at=AWARE, opened_by="officer", now=AWARE)
        mark(conn, other, LOG)
        desk = Drafting(conn, Vault.open(tmp_path / "vault"), tmp_path / "breaches", no_lineage)
        done = desk.due(READER, AWARE)
        assert [found.breach.breach_id for found in done.drafted] == [other]
        with pytest.raises(UndraftedBreachError, match=rf"breach {number}: the database holds no table 'marts\.gone'"):
            done.refuse_faults()
        assert [entry.kind for entry in register.history(conn, number)] == ["tables"]
        assert [entry.details["tables"][0]["table"] for entry in waiting(conn)] == ["marts.gone"]
