"""Events of people whose data may not be collected are refused at the door, counted, and nobody else's are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from collection import quarantine
from collection.importer import ImportReport, import_files
from collection.imports import ImportCounts
from collection.mapping import Mapping, parse_mapping
from tests.collection.conftest import NOW, PLAIN, line, seal, unseal

pytestmark = pytest.mark.integration


def blocked(users: Sequence[str]) -> set[str]:
    return set(users) & {"withdrawn"}


def run(conn: psycopg.Connection, mapping: Mapping, folder: Path, lines: Sequence[bytes]) -> ImportReport:
    file = folder / "lines.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return import_files(conn, [file], mapping, seal=seal, now=NOW, has_basis=True, blocked=blocked)


def test_events_of_blocked_people_are_refused_and_counted(
    conn: psycopg.Connection, plain: Mapping, tmp_path: Path
) -> None:
    lines = [line("a"), line("b", user="withdrawn"), line("b", user="withdrawn"), line("c", user=None), line("a")]
    report = run(conn, plain, tmp_path, lines)
    assert report.counts == ImportCounts(5, 2, 1, 0, 2)
    assert report.n_without_basis == 0
    assert report.explanation is None
    assert "2 events of people whose data may not be collected" in report.notes[0]
    assert conn.execute("select id from raw.system_logs order by id").fetchall() == [("a",), ("c",)]
    assert conn.execute("select id from raw.event_keys order by id").fetchall() == [("a",), ("c",)]


def test_without_anybody_blocked_nothing_is_refused(conn: psycopg.Connection, plain: Mapping, tmp_path: Path) -> None:
    assert run(conn, plain, tmp_path, [line("a"), line("a")]).counts == ImportCounts(2, 1, 1, 0, 0)


def test_a_replay_leaves_a_blocked_person_in_quarantine(
    conn: psycopg.Connection, plain: Mapping, tmp_path: Path
) -> None:
    bad = [line("a", action=None, verb="sell"), line("b", action=None, verb="sell", user="withdrawn")]
    run(conn, plain, tmp_path, bad)
    fixed = parse_mapping(PLAIN.replace("action: action", "action: {first: [action, verb]}"))
    report = quarantine.replay(conn, fixed, unseal=unseal, now=NOW, has_basis=True, blocked=blocked)
    assert (report.n_tried, report.n_stored, report.n_refused) == (2, 1, 1)
    assert conn.execute("select id from raw.system_logs").fetchall() == [("a",)]
