"""Runs benchmarks one after another, prints one table, and writes benchmarks/results.json after each.

python -m benchmarks [NAME ...] [--minutes 90]

Each runs in a process of its own. One that fails, takes too long or lacks its data is a row that says so; so is a peer
that cannot be had.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from benchmarks import groups, model_groups
from benchmarks.running import HERE, Row, Runner, rows_of


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What measures, and after how many minutes it is stopped."""

    measure: Callable[[Runner], list[Row]]
    minutes: float

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return self.measure.__name__


BENCHMARKS = tuple(
    Benchmark(measure, minutes)
    for measure, minutes in (
        (groups.simulator, 5), (groups.imports, 10), (groups.kernel, 15), (groups.main_job, 10),
        (groups.one_new_day, 10), (groups.dbt_builds, 20), (groups.detection, 15), (groups.anonymity, 15),
        (groups.private_release, 5), (groups.vault, 10), (groups.exports, 10), (groups.erasure, 15),
        (groups.breaches, 10), (groups.rulings, 5), (groups.identities, 5), (groups.web_sessions, 15),
        (groups.embeddings, 5),
        (groups.federated, 30), (groups.multi_party, 10), (model_groups.text_models, 20),
        (model_groups.sequence_models, 20), (model_groups.tabular_models, 15), (model_groups.drift, 15),
        (model_groups.diagnosis, 10), (model_groups.embedded_scores, 10),
    )
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the named ones, or all; 0 even where a bar is missed: the table says it."""
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)} (default: all)")
    parser.add_argument("--minutes", type=float, default=90, help="of all together; what is left then is not begun")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(known):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    ends_at = time.monotonic() + options.minutes * 60
    rows: list[Row] = []
    for name in options.names or known:
        left = ends_at - time.monotonic()
        found = rows_of(name, known[name].measure, min(known[name].minutes * 60, left))
        print("\n".join(map(line, found)), flush=True)
        rows += found
        write(rows)
    return 0


def write(rows: list[Row]) -> None:
    """The report so far, whole at any moment."""
    report = {
        "measured_at": datetime.now(UTC).isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": os.getloadavg(),
        "rows": [{**asdict(row), "verdict": row.verdict} for row in rows],
    }
    fresh = HERE / "results.json.new"
    fresh.write_text(json.dumps(report, indent=1))
    fresh.replace(HERE / "results.json")


def line(row: Row) -> str:
    """One line of the table."""
    value = "-" if row.value is None else f"{row.value:,.2f}" if row.value < 100 else f"{row.value:,.0f}"
    bar = "" if row.bar is None else f"bar {row.bar:,g}"
    return f"{row.name:<52} {value:>12} {row.unit:<22} {bar:<14} {row.verdict:<8} {row.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
