"""Parquet in batches. Times become ISO 8601 texts, decimals keep their digits, binary columns are refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any, BinaryIO

from collection.batches import BATCH_RECORDS, Batch, Place
from collection.errors import TruncatedFileError
from collection.escapes import encode_text
from collection.jsonlines import ENVELOPE
from collection.records import ExactNumber, Fault, RecordFault

BUFFER_BYTES = 1 << 20  # of each column that is read ahead


def read_parquet(stream: BinaryIO) -> Iterator[Batch]:
    """Batches of the rows of a Parquet file, which must be seekable. Line is the row number from 1."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(stream, buffer_size=BUFFER_BYTES)
        n_before = 0
        # Asked for all row groups at once, the reader keeps each that it has read until the last one is done.
        for groups in _together([file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]):
            for rows in file.iter_batches(batch_size=BATCH_RECORDS, row_groups=groups):
                yield _batch(rows.to_pylist(), n_before)
                n_before += rows.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise TruncatedFileError(
            f"the Parquet file is damaged or incomplete ({type(error).__name__}): get it again"
        ) from None


def _together(n_rows: Sequence[int]) -> Iterator[list[int]]:
    """Row groups in order, as few at a time as fill a batch."""
    groups, n_together = list[int](), 0
    for group, n in enumerate(n_rows):
        groups, n_together = [*groups, group], n_together + n
        if n_together >= BATCH_RECORDS:
            yield groups
            groups, n_together = [], 0
    if groups:
        yield groups


def _batch(rows: list[dict[str, Any]], n_before: int) -> Batch:
    records: list[Any] = []
    faults: dict[int, Fault] = {}
    for position, row in enumerate(rows):
        try:
            records.append({key: _plain(value) for key, value in row.items() if value is not None})
        except RecordFault as refusal:
            records.append(None)
            faults[position] = refusal.fault
    return Batch(
        records,
        faults,
        lambda i: Place(n_before + i + 1, None),
        lambda i: ENVELOPE + _sealable(rows[i]),
        frozenset(rows[0]) if rows else None,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return encode_text(value) if "\x00" in value or "\x1a" in value else value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return ExactNumber(format(value, "f"))
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {encode_text(key): _plain(item) for key, item in value.items()}
    raise RecordFault("unsupported_type", f"a value of type {type(value).__name__}: convert the column to text")


def _finite(value: float) -> float:
    if not isfinite(value):
        raise RecordFault("not_a_number", "NaN and Infinity are no JSON numbers: write null")
    return value


def _sealable(row: dict[str, Any]) -> bytes:
    import orjson

    return orjson.dumps({key: value for key, value in row.items() if value is not None}, _text_of)


def _text_of(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)
