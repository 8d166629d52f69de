"""What dbt costs: a full build, and one new day after a history and after one ten times as long, of the same product.

python -m benchmarks.dbt_incremental [--events 1000000] [--days 100] [--new-days 3] [--nodes 12]

The events (dbt_history.py) fill so many days; the short history is a tenth of them. The first new day is a Saturday,
the second the Sunday that closes a week and makes every weekly feature. Bars, at --events 10000000: full build 12
minutes and 4 GB, a new day 30 s and 1.3 times that of the short history. Seconds by the clock depend on what else
the machine does: processor seconds stand beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.dbt_history import Product, count, prepare, write_days
from benchmarks.footprint import load, peak_memory, processor_seconds
from warehouse.database import ADMIN, Database
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

PROJECT = Path(__file__).parents[1] / "dbt_project"
LAST_DAY = date(2026, 5, 29)  # a Friday
SUNDAY = 1  # the second new day
BARS = {"full_seconds": 720.0, "full_gb": 4.0, "day_seconds": 30.0, "ratio": 1.3}


@dataclass(frozen=True, slots=True)
class Cost:
    """One dbt build: seconds by the clock with dbt's start, processor seconds of both sides, memory, and by node."""

    seconds: float
    dbt_cpu: float
    server_cpu: float
    peak_gb: float
    nodes: dict[str, float]

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.1f} s by the clock ({self.dbt_cpu:.1f} s processor of dbt, {self.server_cpu:.1f} of "
            f"PostgreSQL), {self.peak_gb:.2f} GB; {load()}"
        )


@dataclass(frozen=True, slots=True)
class History:
    """A warehouse with so many days of a product, built once."""

    settings: Settings
    database: Database
    product: Product
    days: int
    n_events: int
    full: Cost

    def new_day(self, number: int) -> Cost:
        """The next day but `number`: written, then built."""
        with self.database.connect(ADMIN, autocommit=True) as conn:
            write_days(conn, self.product, self.days + number, 1)
            conn.execute("analyze safe.pseudonymous_events")
        return build(self.database, self.settings)


def build(database: Database, settings: Settings, *arguments: str) -> Cost:
    """`dbt build` without the unit tests, in a process of its own that was parsed for before."""
    target = settings.home / "dbt"
    program = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "build", "--quiet", *arguments]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    server = int((EmbeddedServer.of(settings.home).data / "postmaster.pid").read_text().split()[0])
    before, children, began = processor_seconds(server), _seconds_of_children(), time.monotonic()
    with peak_memory(server, os.getpid()) as peak:
        subprocess.run(
            [*program, "--exclude-resource-type", "unit_test", *folders], env=login(database, settings), check=True
        )
    seconds = time.monotonic() - began
    time.sleep(0.5)  # the server counts a session's seconds when it has ended
    results = json.loads((target / "run_results.json").read_text())["results"]
    return Cost(
        seconds, _seconds_of_children() - children, processor_seconds(server) - before, peak[0] / 2**30,
        {node["unique_id"].split(".")[2]: float(node["execution_time"]) for node in results},
    )  # fmt: skip


def login(database: Database, settings: Settings) -> dict[str, str]:
    """What profiles.yml reads, and a folder for what dbt writes."""
    address, target = database.address, str(settings.home / "dbt")
    return settings.environment(
        LETHE_DBT_HOST=address.host,
        LETHE_DBT_PORT=str(address.port),
        LETHE_DBT_USER=database.role("dbt"),
        LETHE_DBT_PASSWORD=database.passwords["dbt"],
        LETHE_DBT_DBNAME=address.database,
        DBT_TARGET_PATH=target,
        DBT_LOG_PATH=target,
    )


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def history(per_day: int, days: int, new_days: int) -> Iterator[History]:
    """So many days, made and built."""
    home = Path(tempfile.mkdtemp(prefix="lethe-bench-"))
    settings = Settings(home=home)
    try:
        database = Database.open(settings)
        product = Product(per_day, LAST_DAY - timedelta(days=days - 1))
        fill(database, product, days, new_days)
        build(database, settings, "--select", "stg_days")  # parsed once, as in a home that has run before
        full = build(database, settings, "--full-refresh")
        with database.connect(ADMIN, autocommit=True) as conn:
            conn.execute("vacuum analyze")  # what the server does by itself within minutes
        yield History(settings, database, product, days, count(database), full)
    finally:
        EmbeddedServer.of(home).destroy()
        shutil.rmtree(home, ignore_errors=True)


def fill(database: Database, product: Product, days: int, new_days: int) -> None:
    """The events of a history."""
    prepare(database, product, days + new_days)
    with database.connect(ADMIN, autocommit=True) as conn:
        conn.execute("set synchronous_commit = off")
        for first in range(0, days, 10):
            write_days(conn, product, first, min(10, days - first))
        conn.execute("vacuum analyze")


def figures(small: list[Cost], large: list[Cost], full: Cost) -> dict[str, float]:
    """What is held against the bars: ordinary days by their median, and the Sunday apart."""
    found = {"full_seconds": full.seconds, "full_gb": max(full.peak_gb, *(cost.peak_gb for cost in large))}
    for name, chosen in (("", [n for n in range(len(large)) if n != SUNDAY]), ("sunday_", [SUNDAY])):
        if chosen and max(chosen) < len(large):
            few, many = (statistics.median(costs[n].seconds for n in chosen) for costs in (small, large))
            found |= {f"{name}day_seconds_small": few, f"{name}day_seconds": many, f"{name}ratio": many / few}
            work = [statistics.median(c[n].dbt_cpu + c[n].server_cpu for n in chosen) for c in (small, large)]
            found[f"{name}cpu_ratio"] = work[1] / work[0]
    return found


def print_nodes(full: Cost, n: int) -> None:
    """The most costly nodes of a full build, by the clock."""
    for node in sorted(full.nodes, key=lambda node: -full.nodes[node])[:n]:
        print(f"  {node:<58}{full.nodes[node]:9.2f} s", flush=True)


def report(found: dict[str, float], nodes: list[tuple[str, float, float]], n_events: int) -> None:
    """Figures with their bars, then what grew and what costs most."""
    for name, value in found.items():
        bar = BARS.get(name.removeprefix("sunday_"))
        said = f"bar {bar:g} at 10,000,000 events" if bar else ""
        print(f"{name:<26}{value:10.2f}  {said}")
    print(f"of one new day, by node, after a tenth of {n_events:,} events and after all:")
    for node, few, many in nodes:
        print(f"  {node:<58}{few:7.2f} s -> {many:6.2f} s")


def main() -> None:
    """Build both histories, then add days to them in turn, so that a busy machine slows both alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--new-days", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=12, help="how many of the most costly to show")
    options = parser.parse_args()
    per_day, new_days = options.events // options.days, options.new_days
    with history(per_day, options.days // 10, new_days) as short, history(per_day, options.days, new_days) as long:
        for one in (short, long):
            print(f"{one.n_events:,} events in {one.days} days, full build: {one.full}", flush=True)
        print_nodes(long.full, options.nodes)
        small, large = list[Cost](), list[Cost]()
        for number in range(new_days):
            for one, costs in ((short, small), (long, large)):
                costs.append(one.new_day(number))
                print(f"{one.n_events:,} events, new day {number + 1}: {costs[-1]}", flush=True)
    found = figures(small, large, long.full)
    order = sorted(large[0].nodes, key=lambda node: -large[-1].nodes[node])[: options.nodes]
    report(found, [(node, small[-1].nodes[node], large[-1].nodes[node]) for node in order], long.n_events)
    print(json.dumps({"dbt_new_day_ratio": found["ratio"], "n_events": long.n_events} | found))


if __name__ == "__main__":
    main()
