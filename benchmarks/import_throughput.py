"""Records a second that a file import reaches, database included. Prints one line; not a test.

python -m benchmarks.import_throughput FILE MAPPING [REPEATS]

Libraries are loaded before the clock starts (pyarrow loads pandas at its first array: a second). On a machine that
does other work as well, compare the CPU seconds of this process, which the other work changes less.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from collection.importer import import_files
from collection.mapping import load_mapping
from warehouse.database import Database
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings


def measure(file: Path, mapping_file: Path) -> tuple[int, float, float]:
    """Records read, seconds, and CPU seconds of this process; the database is made for it and removed afterwards."""
    pa.array(["load pandas"])
    mapping = load_mapping(mapping_file)
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as home:
        settings = Settings.load(Path(home))
        database = Database.open(settings)
        try:
            with database.connect("collection") as conn:
                start, cpu = time.perf_counter(), time.process_time()
                now = datetime.now(UTC)
                report = import_files(conn, [file], mapping, seal=lambda raw, _: raw, now=now, has_basis=True)
                return report.n_read, time.perf_counter() - start, time.process_time() - cpu
        finally:
            EmbeddedServer.of(settings.home).destroy()


def main(arguments: list[str]) -> None:
    """Measure as often as asked and print every run."""
    file, mapping = Path(arguments[0]), Path(arguments[1])
    for _ in range(int(arguments[2]) if len(arguments) > 2 else 1):
        n_read, seconds, cpu = measure(file, mapping)
        rate = f"{n_read / seconds:,.0f} records/s"
        print(f"{file.name}: {n_read:,} records in {seconds:.2f} s, {rate}; {cpu:.2f} CPU s of this process")


if __name__ == "__main__":
    main(sys.argv[1:])
