"""What one new day costs dbt at one and at ten times the history. Invented rows, written by PostgreSQL itself.

Usage: python -m benchmarks.dbt_incremental [--days 400] [--subjects 100] [--repeats 7]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from warehouse.database import Database
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

PROJECT = Path(__file__).parents[1] / "dbt_project"
LAST_DAY = date(2025, 6, 1)
EVENTS_PER_DAY = 4

SYNTHESISE = """
insert into safe.pseudonymous_events (event_id, subject, company, event_type, event_source, component, action, data,
  occurred_at, received_at, event_day, purposes)
select md5(day::text || s || e), 'subject' || s, 'company' || s %% 20, 'ui', 'web', 'part' || e %% 5, 'click',
  jsonb_build_object('latency_ms', s %% 100), at, at, day::date, array['model_training', 'personalization']
from generate_series(%(first)s::date, %(last)s::date, interval '1 day') as day
cross join generate_series(1, %(subjects)s) as s
cross join generate_series(1, %(events)s) as e
cross join lateral (select day + (s * 37 + e * 111) %% 1440 * interval '1 minute' as at) as times
where (s + extract(epoch from day)::bigint / 86400) %% 4 = 0
"""
LIST_DAYS = """
insert into safe.event_days (event_day, raw_version, policy_digest, n_in, n_pseudonymous, n_anonymous, version)
select day::date, 1, 'p', 0, 0, 0, nextval('safe.event_day_version')
from generate_series(%(first)s::date, %(last)s::date, interval '1 day') as day
"""


def build(database: Database, settings: Settings, *arguments: str) -> dict[str, float]:
    """Seconds of each node of `dbt build` without the unit tests, and 'all' of them; dbt's start-up is left out."""
    address = database.address
    target = settings.home / "dbt"
    environment = settings.environment(
        LETHE_DBT_HOST=address.host,
        LETHE_DBT_PORT=str(address.port),
        LETHE_DBT_USER=database.role("dbt"),
        LETHE_DBT_PASSWORD=database.passwords["dbt"],
        LETHE_DBT_DBNAME=address.database,
        DBT_TARGET_PATH=str(target),
        DBT_LOG_PATH=str(target),
    )
    program = ["-c", "from dbt.cli.main import cli; cli()", "build", "--quiet", *arguments]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command = [sys.executable, *program, "--exclude-resource-type", "unit_test", *folders]
    subprocess.run(command, env=environment, check=True)
    run = json.loads((target / "run_results.json").read_text())
    nodes = {node["unique_id"].split(".")[2]: float(node["execution_time"]) for node in run["results"]}
    return nodes | {"all": float(run["elapsed_time"])}


def write(database: Database, first: str, last: str, subjects: int) -> None:
    """Rows of the days from first to last."""
    values = {"first": first, "last": last, "subjects": subjects, "events": EVENTS_PER_DAY}
    with database.connect("privacy") as conn:
        conn.execute(SYNTHESISE, values)
        conn.execute(LIST_DAYS, values)


@contextmanager
def history(days: int, subjects: int) -> Iterator[tuple[Database, Settings, float]]:
    """A database with this many days built once, and the seconds that took."""
    home = Path(tempfile.mkdtemp(prefix="lethe-bench-"))
    settings = Settings(home=home)
    try:
        database = Database.open(settings)
        write(database, str(LAST_DAY - timedelta(days=days)), str(LAST_DAY), subjects)
        full = build(database, settings)["all"]
        with database.connect("admin", autocommit=True) as conn:
            conn.execute("vacuum analyze")
        yield database, settings, full
    finally:
        EmbeddedServer.of(home).destroy()
        shutil.rmtree(home, ignore_errors=True)


def new_day(database: Database, settings: Settings, day: date, subjects: int) -> dict[str, float]:
    """Seconds per node for one more day."""
    write(database, str(day), str(day), subjects)
    return build(database, settings)


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median per node."""
    return {node: statistics.median(run[node] for run in runs) for node in runs[0]}


def main() -> None:
    """Build both histories, then add days to them in turn, so that a busy machine slows both alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    runs: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    with history(options.days, options.subjects) as one, history(10 * options.days, options.subjects) as ten:
        for number in range(options.repeats):
            for (database, settings, _), found in zip((one, ten), runs, strict=True):
                found.append(new_day(database, settings, LAST_DAY + timedelta(days=1 + number), options.subjects))
    small, large = (median(found) for found in runs)
    for times, full, day in ((1, one[2], small), (10, ten[2], large)):
        print(f"{times * options.days:6} days: full build {full:6.1f} s, one new day {day['all']:5.2f} s")
    print(f"ratio {large['all'] / small['all']:.2f} (promised: at most 1.30)")
    for node in sorted(small, key=lambda n: small[n] - large[n])[:6]:
        print(f"  {node}: {small[node]:.2f} s -> {large[node]:.2f} s")
    print(json.dumps({"dbt_new_day_ratio": large["all"] / small["all"], "small": small["all"], "large": large["all"]}))


if __name__ == "__main__":
    main()
