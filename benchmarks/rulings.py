"""How many event days a ruling makes pending, over a simulated log; beside it what every day together would cost.

python -m benchmarks.rulings [--events 100000]

Rulings: a new path of the rarest event type, a changed rule of that type, a changed rule of the commonest type.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from orchestration.intake import SimulationPlan, take_in_simulation
from orchestration.platform import Platform
from privacy.classification import confirm
from privacy.transform import pending_days, transform_days
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

NOW = datetime(2026, 6, 29, tzinfo=UTC)


def measure(n_events: int) -> dict[str, Any]:
    """Import, transform, rule; the database is made for it and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
        settings = Settings.load(Path(folder))
        platform = Platform.open(settings)
        try:
            take_in_simulation(platform, SimulationPlan(seed=7, n_events=n_events, end_on="2026-06-28"))
            with platform.database.connect("privacy") as conn:
                days = pending_days(conn)
                began = time.perf_counter()
                transform_days(conn, days, platform.vault)
                return {"days": len(days), "seconds_of_all_days": _since(began)} | _rulings(conn, platform)
        finally:
            EmbeddedServer.of(settings.home).destroy()


def _rulings(conn: psycopg.Connection, platform: Platform) -> dict[str, Any]:
    types = conn.execute(
        "select event_type, count(distinct event_day) from raw.system_logs group by 1 order by count(*)"
    ).fetchall()
    (rare, n_rare), (common, _) = types[0], types[-1]
    began = time.perf_counter()
    _rule(conn, rare, "/data/brand_new", "count")
    new_path = len(pending_days(conn))
    seconds = _since(began)
    transform_days(conn, pending_days(conn), platform.vault)
    changed: dict[str, float] = {}
    for event_type in (rare, common):
        row = conn.execute(
            "select path from privacy.classification_rules where event_type = %s and class = 'non_personal' "
            "order by path limit 1", (event_type,),
        ).fetchone()  # fmt: skip
        _rule(conn, event_type, row[0] if row else "/data/brand_new", "text", "sensitive")
        changed[event_type] = len(pending_days(conn))
        began = time.perf_counter()
        transform_days(conn, pending_days(conn), platform.vault)
        changed[f"{event_type}, seconds"] = _since(began)
    return {
        "rare_type": rare, "days_of_rare_type": n_rare, "pending_after_new_path": new_path, "pending": changed[rare],
        "seconds": seconds, "pending_after_change": changed,
    }  # fmt: skip


def _rule(conn: psycopg.Connection, event_type: str, path: str, kind: str, klass: str = "non_personal") -> None:
    confirm(conn, event_type, path, klass, kind, "steward", "benchmark", decided_at=NOW)


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    print(json.dumps(measure(parser.parse_args().events)))
