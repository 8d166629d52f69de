"""Error and seconds of a grouped count of distinct users under (1, 1e-6)-differential privacy, with a peer beside it.

Ours chooses its bounds without looking (a tenth of the budget) and pays for its ledger in a real PostgreSQL. The peer
(PipelineDP) runs in an environment of its own, at the bound of the published comparison: `--peer-python PATH`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from privacy.budget.archive import Release
from privacy.budget.bounds import USERS, Bounds, Choose
from privacy.budget.ledger import Account, Grant, grant
from privacy.budget.queries import Query
from privacy.budget.release import release
from privacy.budget.sources import ArrowSource, Columns
from warehouse.database import Database
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

N_USERS, N_GROUPS = 100_000, 1_000
EPSILON, DELTA = 1.0, 1e-6
ERROR_BAR, SECONDS_BAR = 6.0, 1.0
GROUPS = tuple(f"g{n:04d}" for n in range(N_GROUPS))
PEER = "PipelineDP, L0 = 10 stated"


@dataclass(frozen=True, slots=True)
class Figure:
    """One tool: median relative error over the groups in per cent, mean absolute error in users, seconds."""

    name: str
    relative_error: float
    absolute_error: float
    seconds: float
    note: str = ""


def people(seed: int, exponent: float = 1.1) -> pa.Table:
    """About 1.05 million rows of 100,000 users: heavy-tailed activity (mean 10.5, at most 300) over Zipf groups.

    exponent: of Zipf's law; ranks beyond the last group wrap around. The peers' published 35 % at L0 = 10 is what any
    tool loses on these rows at that bound, this one included (its row at L0 = 10).
    """
    generator = np.random.default_rng(seed)
    activity = np.minimum(np.ceil(generator.lognormal(1.7, 1.1, N_USERS)), 300).astype(np.int64)
    users = np.repeat(np.arange(N_USERS), activity)
    groups = generator.zipf(exponent, len(users)) % N_GROUPS
    return pa.table(
        {
            "user": pa.array([f"user-{n}" for n in range(N_USERS)]).take(pa.array(users)),
            "group": pa.array(GROUPS).take(pa.array(groups)),
        }
    )


def truth(table: pa.Table) -> dict[str, int]:
    """Distinct users per group, exactly."""
    counted = table.group_by(["user", "group"]).aggregate([]).group_by("group").aggregate([("user", "count")])
    return dict(zip(counted["group"].to_pylist(), counted["user_count"].to_pylist(), strict=True))


def figure(name: str, exact: dict[str, int], noisy: Mapping[str, float], seconds: float, note: str = "") -> Figure:
    """Errors over every group that somebody is in; a group that was not released counts as zero."""
    errors = [abs(noisy.get(group, 0) - n) for group, n in exact.items()]
    relative = statistics.median(error / n for error, n in zip(errors, exact.values(), strict=True))
    return Figure(name, 100 * relative, statistics.fmean(errors), seconds, note)


def ours(database: Database, table: pa.Table, exact: dict[str, int], repeats: int) -> list[Figure]:
    """Bounds chosen with noise, stated like the peers', and groups selected by the release; best time of several."""
    release_one(database, table.slice(0, 1_000), "warm-up", Choose(), GROUPS)  # imports are paid once per process
    kinds: list[tuple[str, Bounds | Choose, tuple[str, ...] | None]] = [
        ("Lethe, bounds chosen with a tenth of the budget", Choose(), GROUPS),
        ("Lethe, L0 = 10 stated, as the peers", Bounds.public(10, reason="what the peers were given"), GROUPS),
        ("Lethe, groups selected by the release", Choose(), None),
    ]
    found = []
    for name, bounds, groups in kinds:
        runs = [release_one(database, table, f"{name} {n}", bounds, groups) for n in range(repeats)]
        figures = [figure(name, exact, done.values, seconds) for done, seconds in runs]
        middle = statistics.median(f.relative_error for f in figures)
        note = f"L0 = {runs[0][0].facts['bounds']['groups']}, {len(runs[0][0].values)} groups"
        best = min(f.seconds for f in figures)
        absolute = statistics.median(f.absolute_error for f in figures)
        found.append(Figure(name, middle, absolute, best, note))
    return found


def release_one(
    database: Database, table: pa.Table, period: str, bounds: Bounds | Choose, groups: tuple[str, ...] | None
) -> tuple[Release, float]:
    """One release with a budget of its own, all of it spent, ledger and record included; and its seconds."""
    account = Account("benchmark", "analytics", period)
    selection = 0.0 if groups else DELTA / 2
    with database.connect("privacy") as conn:
        budget = grant(conn, Grant(account, EPSILON, DELTA, "benchmark", "figures", selection), now=datetime.now(UTC))
        query = Query(
            account, "v1", USERS, Columns("user", "group"), groups, budget.limit.rho, budget.limit.delta, bounds
        )
        began = time.perf_counter()
        done = release(conn, ArrowSource(table, query.columns), query, key=b"k" * 32, now=datetime.now(UTC))
        return done, time.perf_counter() - began


def peer(python: str | None, table: pa.Table, exact: dict[str, int]) -> Figure | str:
    """The peer's figure from its own environment, or why there is none."""
    if python is None:
        return f"{PEER}: skipped, no --peer-python PATH of an environment with pipeline-dp and pyarrow was given"
    script = Path(__file__).with_name("differential_privacy_peer.py")
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.parquet"
        parquet.write_table(table, rows)
        done = subprocess.run([python, str(script), str(rows)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"{PEER}: skipped, {python} failed: {done.stderr.strip().splitlines()[-1:]}"
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return figure(PEER, exact, found["values"], found["seconds"])


@contextmanager
def embedded() -> Iterator[Database]:
    """A database in a home that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="lethe-benchmark-") as folder:
        settings = replace(Settings.load(Path(folder) / "home"), database_url=None)
        try:
            yield Database.open(settings)
        finally:
            EmbeddedServer.of(settings.home).stop()


def show(found: Figure) -> str:
    return (
        f"{found.name:<50} median error {found.relative_error:6.1f} %  mean {found.absolute_error:7.1f} users "
        f"{found.seconds:7.2f} s  {found.note}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--exponent", type=float, default=1.1, help="of Zipf's law over the groups")
    parser.add_argument("--peer-python", help="interpreter of an environment with pipeline-dp and pyarrow")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    options = parser.parse_args()
    table = people(options.seed, options.exponent)
    exact = truth(table)
    print(f"{table.num_rows:,} rows, {N_USERS:,} users, {len(exact):,} groups, epsilon {EPSILON:g}, delta {DELTA:g}")
    with embedded() as database:
        found = ours(database, table, exact, options.repeats)
    for line in found:
        print(show(line))
    beside = peer(options.peer_python, table, exact)
    print(show(beside) if isinstance(beside, Figure) else beside)
    if options.json:
        figures = [asdict(f) for f in (*found, beside) if isinstance(f, Figure)]
        print(json.dumps({"figures": figures, "note": None if isinstance(beside, Figure) else beside}))
        return
    met = found[0].relative_error <= ERROR_BAR and found[0].seconds <= SECONDS_BAR
    print(f"bar: {ERROR_BAR:g} % in {SECONDS_BAR:g} s: {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
