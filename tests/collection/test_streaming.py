"""Files are streamed: ten times the records take no more memory."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from collection.importer import import_files
from collection.mapping import parse_mapping
from tests.collection.conftest import NOW, PLAIN, seal
from warehouse.database import Database

FEW, MANY = 60_000, 180_000
GROWTH = 40 << 20  # bytes; what the larger files hold more is as much, and as objects ten times that


def write(path: Path, n: int) -> Path:
    """n orders of 380 bytes each."""
    table = pa.table(
        {
            "id": [f"{path.stem}-{i}" for i in range(n)], "user": [f"u{i % 900}" for i in range(n)],
            "action": ["paid"] * n, "at": ["2024-05-01T10:00:00Z"] * n,
            "note": [f"{i:08d}" * 40 for i in range(n)],
        }
    )  # fmt: skip
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    elif path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=10_000, compression="none", use_dictionary=False)
    else:
        path.write_bytes(b"\n".join(b'{"id": "%s", "user": "%s", "action": "paid", "at": "2024-05-01T10:00:00Z", '
                                    b'"note": "%s"}' % (r["id"].encode(), r["user"].encode(), r["note"].encode())
                                    for r in table.to_pylist()))  # fmt: skip
    return path


def peak_of_import(database: Database, path: Path) -> tuple[int, int]:
    """(records stored, highest resident bytes of this process) after an import."""
    with database.connect("collection") as conn:
        report = import_files(conn, [path], parse_mapping(PLAIN), seal=seal, now=NOW, has_basis=True)
    status = Path("/proc/self/status").read_text()  # ru_maxrss would be that of the process that started this one
    return report.n_stored, int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.mark.integration
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_memory_does_not_grow_with_the_file(suffix: str, database: Database, tmp_path: Path) -> None:
    peaks = []
    for n in (FEW, MANY):
        path = write(tmp_path / f"orders{n}.{suffix}", n)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as own:
            n_stored, peak = own.submit(peak_of_import, database, path).result()
        assert n_stored == n
        peaks.append(peak)
    assert path.stat().st_size > 1.5 * GROWTH
    assert peaks[1] - peaks[0] < GROWTH, [f"{peak >> 20} MB" for peak in peaks]
