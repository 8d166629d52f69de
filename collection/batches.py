"""A batch of records as a reader hands it over: parsed values, faults, and where each record stands in its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from collection.records import Fault

BATCH_RECORDS = 20_000
BATCH_BYTES = 16 << 20
MAX_RECORD_BYTES = 4 << 20
KEPT_BYTES = 64 << 20  # of a record over the limit: all but absurd ones are kept whole, and their place always


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record starts: line from 1 (a row number in Parquet), byte offset from 0 in the uncompressed file."""

    line: int
    byte_offset: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in file order. A record with a fault is None in `records`.

    `raw(i)` are the bytes to seal for quarantine: an envelope line that names the format, then what a reader needs
    to read the record again. `names` are the fields that the file itself declares (CSV, Parquet).
    """

    records: list[Any]
    faults: dict[int, Fault]
    place: Callable[[int], Place]
    raw: Callable[[int], bytes]
    names: frozenset[str] | None = None


def too_long(n_bytes: int) -> Fault:
    """The fault of a record over the size limit."""
    limit = MAX_RECORD_BYTES >> 20
    kept = "it is kept whole" if n_bytes <= KEPT_BYTES else f"its first {KEPT_BYTES >> 20} MiB are kept"
    hint = f"the record has {n_bytes:,} bytes, the limit is {limit} MiB; {kept}"
    return Fault("record_too_long", None, hint)
