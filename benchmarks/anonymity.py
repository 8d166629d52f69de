"""Loss and speed of anonymisation on Adult and on a million rows, agreement with pycanon, and the optima of ARX.

Usage: python -m benchmarks.anonymity [--peer-python PATH] [--tables 200] [--exhaustive] [--json]
The peers (anjana, pycanon) run in an environment of their own; --exhaustive checks all 12,960 transformations.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from privacy.anonymity.cells import cube
from privacy.anonymity.complementary import hide_cells
from privacy.anonymity.generalisation import generalise
from privacy.anonymity.hierarchies import Hierarchy
from privacy.anonymity.intervals import Anonymised, anonymise
from privacy.anonymity.losses import NonUniformEntropy
from privacy.anonymity.measures import k_of, l_of, ncp, t_of
from privacy.anonymity.recoding import Lattice, optimal_recoding
from privacy.anonymity.suppression import enforce_k
from warehouse.settings import Settings

FOLDER = "arx_adult"
K = 5
MILLION = 1_000_000
REPEATS = 5
# (k, suppression limit, levels, loss) as asserted by ARX's own tests, TestAnonymizationKAnonymity cases 0 to 3
ARX_OPTIMA = (
    (5, 0.04, [1, 0, 1, 1, 3, 2, 2, 0, 1], 255559.85455731067),
    (100, 0.04, [1, 1, 1, 1, 3, 2, 2, 1, 1], 379417.3460570988),
    (5, 0.0, [1, 2, 1, 1, 3, 2, 2, 1, 1], 407289.5388925293),
    (100, 0.0, [0, 4, 1, 1, 3, 2, 2, 1, 1], 453196.8932458743),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. bar: the goal; at_most: whether smaller is better."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = True

    @property
    def verdict(self) -> str:
        """Whether the bar is met; empty without one."""
        if self.bar is None:
            return ""
        return "met" if (self.value <= self.bar if self.at_most else self.value >= self.bar) else "MISSED"


@dataclass(frozen=True, slots=True)
class Adult:
    """The table, its hierarchies, the eight quasi-identifiers and the order of their categories."""

    table: pa.Table
    hierarchies: dict[str, Hierarchy]
    quasi: list[str]
    orders: dict[str, list[str]]


def read_adult(folder: Path) -> Adult:
    with gzip.open(folder / "adult.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    table = pa.Table.from_pylist([row | {"age": int(row["age"])} for row in rows])
    hierarchies = {name: Hierarchy.read(folder / f"adult_hierarchy_{name}.csv") for name in table.column_names}
    quasi = [name for name in table.column_names if name != "salary-class"]
    orders = {
        name: [row[0] for row in sorted(zip(*hierarchies[name].levels, strict=True), key=lambda row: row[::-1])]
        for name in quasi
        if name != "age"
    }
    return Adult(table, hierarchies, quasi, orders)


def best_of(repeats: int, run: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds of the fastest run, its result)."""
    seconds, made = [], None
    for _ in range(repeats):
        began = time.perf_counter()
        made = run()
        seconds.append(time.perf_counter() - began)
    return min(seconds), made


def partitions(adult: Adult) -> list[Figure]:
    def run(table: pa.Table, k: int) -> Anonymised:
        return anonymise(table, adult.quasi, k, orders=adult.orders)

    figures = []
    for k, bars in ((K, (0.15, 0.05)), (10, (None, None)), (50, (None, None))):
        seconds, made = best_of(REPEATS, lambda k=k: run(adult.table, k))
        assert k_of(made.table, adult.quasi) >= k
        figures.append(Figure(f"Mondrian, Adult, k={k}: time", seconds, "s", bars[0]))
        figures.append(Figure(f"Mondrian, Adult, k={k}: NCP", ncp(made.partitioning), "", bars[1]))
    for name, table in (("Adult drawn again, ages jittered", jittered(adult)), ("columns independent", mixed(adult))):
        seconds, made = best_of(3, lambda table=table: run(table, K))
        assert made.partitioning.sizes.min() >= K
        figures.append(Figure(f"Mondrian, 1 million rows, {name}", seconds, "s", 2.5))
    return figures


def jittered(adult: Adult) -> pa.Table:
    """A million rows drawn from Adult with ages moved by up to two years: many equal rows, which flatters."""
    generator = np.random.default_rng(1)
    table = adult.table.take(pa.array(generator.integers(0, adult.table.num_rows, MILLION)))
    ages = np.clip(table["age"].to_numpy() + generator.integers(-2, 3, MILLION), 17, 90)
    return table.set_column(table.schema.get_field_index("age"), "age", pa.array(ages))


def mixed(adult: Adult) -> pa.Table:
    """A million rows with every column drawn on its own: few equal rows."""
    generator = np.random.default_rng(2)
    n = adult.table.num_rows
    draws = {name: pa.array(generator.integers(0, n, MILLION)) for name in adult.table.column_names}
    return pa.table({name: adult.table[name].take(at) for name, at in draws.items()})


def rules() -> list[Figure]:
    generator = np.random.default_rng(3)
    days = pa.array(generator.integers(15_000, 20_000, MILLION).astype(np.int32), pa.date32())
    columns = {"age": generator.integers(0, 95, MILLION), "salary": generator.integers(0, 200_000, MILLION)}
    table = pa.table(columns | {"zip": generator.integers(500, 99_999, MILLION), "seen": days})
    names = {"age": "age_decade", "salary": "salary_band", "zip": "zip_prefix", "seen": "month"}
    coarse_s, coarse = best_of(3, lambda: generalise(table, names))
    kept_s, (kept, n_suppressed) = best_of(3, lambda: enforce_k(coarse, ["age", "zip"], K))
    assert kept.num_rows + n_suppressed == MILLION
    return [
        Figure("four fixed rules, 1 million rows", MILLION / coarse_s / 1e6, "million rows/s"),
        Figure("enforce_k on two columns, 1 million rows", MILLION / kept_s / 1e6, "million rows/s"),
    ]


def optima(adult: Adult, *, exhaustive: bool) -> list[Figure]:
    figures = []
    for k, limit, levels, loss in ARX_OPTIMA:
        seconds, found = best_of(
            1,
            lambda k=k, limit=limit: optimal_recoding(
                adult.table, adult.hierarchies, k, loss=NonUniformEntropy(), suppression_limit=limit
            ),
        )
        same = list(found.levels.values()) == levels and abs(found.loss[0] / loss - 1) < 1e-12
        name = f"global recoding, k={k}, limit {limit:.0%}: "
        figures.append(Figure(name + "ARX's levels and loss", float(same), "(1 = equal)", 1, at_most=False))
        figures.append(Figure(name + f"time ({found.n_checked} of {found.n_nodes} checked)", seconds, "s"))
    return figures + (exhaustively(adult) if exhaustive else [])


def exhaustively(adult: Adult) -> list[Figure]:
    """The cheapest of all transformations without any pruning, for each of the cases."""
    n_equal = 0
    for k in (5, 100):
        limits = {limit: levels for other, limit, levels, _ in ARX_OPTIMA if other == k}
        most = int(max(limits) * adult.table.num_rows)
        lattice = Lattice.of(adult.table, adult.hierarchies, k, NonUniformEntropy(), most)
        suppressed = [lattice.cost(node)[1] for node in range(len(lattice.nodes))]
        for limit, levels in limits.items():
            fine = np.array(suppressed) <= int(limit * adult.table.num_rows)
            cheapest = np.flatnonzero(fine)[np.argmin(lattice.bounds[fine, 0])]
            n_equal += lattice.nodes[cheapest].tolist() == levels
    return [Figure("exhaustive search has the same optimum", n_equal, "of 4 cases", 4, at_most=False)]


def cells() -> list[Figure]:
    generator = np.random.default_rng(4)
    counts = generator.geometric(0.08, 120) - 1
    rows = {"town": np.repeat(np.arange(10), 12).astype(str), "plan": np.tile(np.arange(12), 10).astype(str)}
    table = cube(pa.table(rows | {"n": counts}), ["town", "plan"], "n")
    seconds, hidden = best_of(2, lambda: hide_cells(table, K))
    name = f"cells hidden of {len(table.keys)}: {int(hidden.primary.sum())} small, {int(hidden.secondary.sum())} more"
    return [Figure(name, seconds, "s")]


def random_tables(n: int) -> list[dict[str, Any]]:
    """Tables with ties; at least two incomes each, since pycanon divides by their number less one."""
    generator = np.random.default_rng(5)
    tables = []
    for _ in range(n):
        size = int(generator.integers(2, 120))
        income = generator.choice([10, 20, 50, 90], size)
        income[:2] = 10, 20
        columns = {
            "age": generator.integers(18, 18 + generator.integers(1, 9), size).tolist(),
            "region": generator.choice(["north", "south", "east"], size).tolist(),
            "job": generator.choice(["a", "b"], size).tolist(),
            "illness": generator.choice(["flu", "cold", "none"], size).tolist(),
            "income": income.tolist(),
        }
        tables.append({"columns": columns, "quasi_identifiers": ["age", "region", "job"]})
    return tables


def beside_peers(python: str, adult: Adult, n_tables: int) -> list[Figure]:
    tables = random_tables(n_tables)
    asked = {
        "columns": {name: adult.table[name].cast(pa.string()).to_pylist() for name in adult.table.column_names},
        "quasi_identifiers": adult.quasi,
        "hierarchies": {name: adult.hierarchies[name].levels for name in adult.quasi},
        "k": K,
        "suppression_percent": 5,
    }
    script = Path(__file__).with_name("anonymity_peer.py")
    text = json.dumps({"tables": tables, "adult": asked})
    done = subprocess.run([python, str(script)], input=text, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    agreed = sum(agrees(table, theirs) for table, theirs in zip(tables, answer["tables"], strict=True))
    peer = answer["adult"]
    return [
        Figure(f"pycanon agrees on k, l and t of {n_tables} random tables", 100 * agreed / n_tables, "%", 100, False),
        Figure("peer: anjana, Adult, k=5, 5 % suppression: time", peer["seconds"], "s"),
        Figure("peer: anjana, Adult, k=5, 5 % suppression: NCP", peer["ncp"], "(global recoding)"),
        Figure("peer: anjana, Adult: suppressed", 100 * peer["suppressed"], "%"),
    ]


def agrees(table: dict[str, Any], theirs: list[float]) -> bool:
    ours, quasi = pa.table(table["columns"]), table["quasi_identifiers"]
    found = (k_of(ours, quasi), l_of(ours, quasi, "illness"), t_of(ours, quasi, "illness"), t_of(ours, quasi, "income"))
    return bool(np.allclose(found, theirs, rtol=0, atol=1e-9))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", help="interpreter of an environment with anjana")
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--exhaustive", action="store_true", help="check every transformation of the lattice too")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    options = parser.parse_args()
    folder = Path(Settings.load().shared_data or Path(__file__).parents[2] / "shared" / "data") / FOLDER
    figures, notes = [*rules(), *cells()], []
    if folder.is_dir():
        adult = read_adult(folder)
        figures += partitions(adult) + optima(adult, exhaustive=options.exhaustive)
        if options.peer_python:
            figures += beside_peers(options.peer_python, adult, options.tables)
        else:
            notes.append("peers skipped: no --peer-python PATH of an environment with anjana was given")
    else:
        notes.append(f"Adult skipped: third-party data is not at {folder}; set LETHE_SHARED_DATA")
    for figure in figures:
        bar = "" if figure.bar is None else f"bar {figure.bar:g}"
        print(f"{figure.name:<72} {figure.value:>10.4g} {figure.unit:<18} {bar:<10} {figure.verdict}".rstrip())
    print("\n".join(notes))
    if options.json:
        print(json.dumps({"figures": [asdict(figure) for figure in figures], "notes": notes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
