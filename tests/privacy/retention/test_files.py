"""Files of a home: by the day in the name, else by the last change; links are never followed."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from privacy.retention.files import FILE_STORES, delete_files, expired_files
from privacy.retention.holds import Hold
from privacy.retention.policies import Policy
from privacy.retention.terms import Terms
from tests.privacy.retention.world import NOW

DAYS = {"audit_logs": 2557, "transient": 1, "short_term": 30, "error_logs": 180}


def terms(*holds: Hold) -> Terms:
    known = {name: Policy(name, days, None, "", "o", "r", NOW) for name, days in DAYS.items()}
    return Terms(NOW, known, (), holds)


def put(path: Path, days_ago: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    at = (NOW - timedelta(days=days_ago)).timestamp()
    os.utime(path, (at, at))
    return path


def test_old_files_go_and_young_ones_stay(tmp_path: Path) -> None:
    young = put(tmp_path / "logs" / "decisions-2026-06-14.jsonl", 9000)  # its name counts, not when it was copied
    old = put(tmp_path / "logs" / "decisions-2019-01-01.jsonl", 0)
    odd = put(tmp_path / "logs" / "decisions-2019-99-99.jsonl", 0)  # no day: as old as its last change
    other = put(tmp_path / "logs" / "notes.txt", 9000)
    left_over = put(tmp_path / "simulated-abc" / "events.jsonl", 2)
    fresh = put(tmp_path / "simulated-def" / "events.jsonl", 0)
    output = put(tmp_path / "dagster" / "compute_logs" / "run" / "1.err", 181)
    package = put(tmp_path / "exports" / "e1" / "package.zip", 31)
    service = put(tmp_path / "services" / "code-2020-01-01.log", 0)
    running = put(tmp_path / "services" / "code.log", 179)
    artefact = put(tmp_path / "dagster" / "storage" / "run" / "step" / "result", 181)
    found = expired_files(tmp_path, terms())
    assert {f.store.name: len(f.gone) for f in found if f.gone} == {
        "decision journal": 1, "left-over simulations": 1, "output of runs": 1, "output of services": 1,
        "export packages": 1, "run artefacts": 1,
    }  # fmt: skip
    assert sum(delete_files(f) for f in found) == 6
    assert sum(delete_files(f) for f in expired_files(tmp_path, terms())) == 0
    assert [p.exists() for p in (young, odd, other, fresh, running)] == [True] * 5
    assert [p.exists() for p in (old, left_over, output, package, service, artefact)] == [False] * 6


def test_a_hold_keeps_files_of_its_days(tmp_path: Path) -> None:
    path = put(tmp_path / "logs" / "decisions-2019-01-01.jsonl", 0)
    held = Hold(1, None, "decision journal", None, None, "c", "r", NOW, None)
    found = expired_files(tmp_path, terms(held))
    assert [(f.gone, f.n_held) for f in found if f.store.name == held.table] == [((), 1)]
    assert sum(delete_files(f) for f in found) == 0
    assert path.exists()


def test_a_link_out_of_the_home_is_left_alone(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside" / "file", 9000)
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "decisions-2019-01-01.jsonl").symlink_to(outside)
    assert sum(len(f.gone) for f in expired_files(home, terms())) == 0


def test_three_years_of_months_leave_no_file_of_any_store_older_than_its_term_and_a_day(tmp_path: Path) -> None:
    """Each store gets a file a month to the end; long after it none is left."""
    for month in range(37):
        for store in FILE_STORES:
            put(tmp_path / store.pattern.replace("**", "deep").replace("*", f"{month}"), -30 * month)
        now = NOW + timedelta(days=30 * month)
        assert delete_all(tmp_path, now) > 0 or month == 0
        for store in FILE_STORES:
            assert (now.date() - min(day for _, day in store.files(tmp_path))).days <= DAYS[store.policy] + 1
    delete_all(tmp_path, now + timedelta(days=max(DAYS.values()) + 1))
    assert [store.name for store in FILE_STORES if list(store.files(tmp_path))] == []


def delete_all(home: Path, now: datetime) -> int:
    return sum(delete_files(found) for found in expired_files(home, Terms(now, terms().policies, (), ())))
