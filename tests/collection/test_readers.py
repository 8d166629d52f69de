"""The three formats give the same events; places in the file are true."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from collection import csvrows
from collection.batches import Batch, Place
from collection.errors import TruncatedFileError
from collection.files import inspect_file
from collection.readers import read_batches
from collection.records import ExactNumber


def batches(path: Path, content: bytes) -> list[Batch]:
    path.write_bytes(content)
    return list(read_batches(inspect_file(path)))


def test_csv_cells_are_texts_and_empty_ones_absent(tmp_path: Path) -> None:
    content = b'a;b;c\r\n1;"x\ny";\r\n;2;3\r\n'
    (batch,) = batches(tmp_path / "f.csv", content)
    assert batch.records == [{"a": "1", "b": "x\ny"}, {"b": "2", "c": "3"}]
    assert [batch.place(i) for i in (0, 1)] == [Place(2, 7), Place(4, 17)]
    assert content[17:].startswith(b";2")
    assert batch.raw(1) == b"csv\na;b;c\n;2;3\r\n"


def test_bad_csv_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvrows, "MAX_RECORD_BYTES", 100)
    rows = [b"a,b", b"1,2", b"1", b'"x"y,2', b"\xff,2", b"z" * 500 + b",1", b"a\x00,\x1a", b'"open,2']
    (batch,) = batches(tmp_path / "f.csv", b"\n".join(rows))
    codes = {i: fault.code for i, fault in batch.faults.items()}
    assert codes == {1: "column_count", 2: "bad_csv", 3: "not_utf8", 4: "record_too_long", 6: "bad_csv"}
    assert batch.records[0] == {"a": "1", "b": "2"}
    assert batch.records[5] == {"a": "a\x1a0", "b": "\x1a1"}
    assert batch.place(5) == Place(7, b"\n".join(rows).index(b"a\x00"))
    assert csv.field_size_limit() == 8 << 20, "a reader leaves the limit of the process to the others"


def test_parquet_keeps_types(tmp_path: Path) -> None:
    at = datetime(2024, 5, 1, 10, 0, 0, 5, UTC)
    table = pa.table(
        {
            "at": pa.array([at, at]),
            "price": pa.array([Decimal("12345678901234567890.12"), None]),
            "tags": [["a\x00"], []],
            "x": [1.5, float("nan")],
        }
    )
    parquet.write_table(table, tmp_path / "f.dat")
    (batch,) = list(read_batches(inspect_file(tmp_path / "f.dat")))
    assert batch.records[0] == {
        "at": at.isoformat(),
        "price": ExactNumber("12345678901234567890.12"),
        "tags": ["a\x1a0"],
        "x": 1.5,
    }
    assert {i: fault.code for i, fault in batch.faults.items()} == {1: "not_a_number"}
    assert batch.place(1) == Place(2, None)


def test_compressed_and_broken_parquet(tmp_path: Path) -> None:
    import gzip

    parquet.write_table(pa.table({"a": ["x"]}), tmp_path / "f.parquet")
    content = (tmp_path / "f.parquet").read_bytes()
    assert batches(tmp_path / "f.parquet.gz", gzip.compress(content))[0].records == [{"a": "x"}]
    with pytest.raises(TruncatedFileError, match="damaged or incomplete"):
        batches(tmp_path / "g.parquet", content[:-20])


def test_batches_do_not_depend_on_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\n".join(b'{"n":%d,"t":"%s"}' % (i, b"x" * (i % 90)) for i in range(300))
    whole = batches(tmp_path / "f.jsonl", content)
    monkeypatch.setattr("collection.jsonlines.BATCH_RECORDS", 7)
    monkeypatch.setattr("collection.jsonlines._CHUNK", 1_000)
    monkeypatch.setattr("collection.jsonlines.MAX_RECORD_BYTES", 95)
    monkeypatch.setattr("collection.jsonlines.KEPT_BYTES", 10)
    small = batches(tmp_path / "f.jsonl", content)
    assert [len(batch.records) for batch in small] == [7] * 42 + [6]
    flat = [(batch, i) for batch in small for i in range(len(batch.records))]
    for (batch, i), record in zip(flat, whole[0].records, strict=True):
        place = batch.place(i)
        line = content[place.byte_offset :].split(b"\n")[0]
        assert place.line == record["n"] + 1
        if len(line) > 95:
            assert batch.faults[i].code == "record_too_long"
            assert batch.raw(i) == b"json\n" + line[:10]
        else:
            assert batch.records[i] == record
            assert batch.raw(i) == b"json\n" + line
