"""What it costs that ids become one person: a merge, many at once, and the transform with and without merges.

python -m benchmarks.identities [--events 100000]

Half of the simulated people are taken for aliases of the other half, all but one stated at once as a file would.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from orchestration.intake import SimulationPlan, take_in_simulation
from orchestration.platform import Platform
from privacy.merging import take_statements
from privacy.transform import pending_days, transform_days
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

NOW = datetime(2026, 6, 29, tzinfo=UTC)


def measure(n_events: int) -> dict[str, Any]:
    """Import, transform, merge, transform; the database is made for it and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
        settings = Settings.load(Path(folder))
        platform = Platform.open(settings)
        try:
            take_in_simulation(platform, SimulationPlan(seed=7, n_events=n_events, end_on="2026-06-28"))
            with platform.database.connect("privacy") as conn:
                return _measured(conn, platform)
        finally:
            EmbeddedServer.of(settings.home).destroy()


def _measured(conn: psycopg.Connection, platform: Platform) -> dict[str, Any]:
    rows = conn.execute("select distinct user_id from raw.system_logs where user_id is not null order by 1").fetchall()
    users = [str(user) for (user,) in rows]
    pairs = list(zip(users[::2], users[1::2], strict=False))
    days = pending_days(conn)
    transform_days(conn, days, platform.vault)  # the vault makes every salt on the way
    without = _seconds(lambda: transform_days(conn, days, platform.vault))
    one = _seconds(lambda: take_statements(conn, pairs[:1], source="benchmark", at=NOW))
    n_dirty = len(pending_days(conn))
    dirty = _seconds(lambda: transform_days(conn, pending_days(conn), platform.vault))
    many = _seconds(lambda: take_statements(conn, pairs, source="benchmark", at=NOW))
    merged = _seconds(lambda: transform_days(conn, days, platform.vault))
    return {
        "days": len(days), "people": len(users), "seconds_of_all_days": without, "seconds_of_one_merge": one,
        "days_of_one_merge": n_dirty, "seconds_of_its_days": dirty, "merges": len(pairs) - 1, "seconds_of_merges": many,
        "seconds_of_all_days_merged": merged,
    }  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    print(json.dumps(measure(parser.parse_args().events)))
