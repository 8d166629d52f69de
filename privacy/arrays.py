"""Arrow columns as one array each, and the order of rows by day and hexadecimal id. Pure; nothing about privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

PREFIX = 16  # hexadecimal digits that decide nearly every comparison: 64 bits


def one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array; without a copy when it is one already (combine_chunks copies a single chunk)."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def order_by_day_and_id(days: npt.NDArray[np.int32], ids: pa.Array) -> npt.NDArray[np.int64]:
    """Positions sorted by day, then id. ids: lower-case hexadecimal strings of one length, no nulls."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(ids) == 0:
        return np.zeros(0, dtype=np.int64)
    keys = _prefixes(ids)
    if days.min() == days.max():
        order = np.argsort(keys)
        tied = keys[order[1:]] == keys[order[:-1]]
    else:
        order = np.lexsort((keys, days))
        tied = (keys[order[1:]] == keys[order[:-1]]) & (days[order[1:]] == days[order[:-1]])
    if not tied.any():
        return order
    table = pa.table({"day": days, "id": ids})
    whole = pc.sort_indices(table, [("day", "ascending"), ("id", "ascending")])
    return np.asarray(whole.to_numpy().astype(np.int64))


def _prefixes(ids: pa.Array) -> npt.NDArray[np.uint64]:
    """The first PREFIX digits of every id as a number: numbers sort many times faster than strings."""
    import numpy as np
    import pyarrow as pa

    ids = ids.cast(pa.large_string())
    bounds = np.frombuffer(ids.buffers()[1], np.int64)[ids.offset : ids.offset + len(ids) + 1]
    digits = np.frombuffer(ids.buffers()[2], np.uint8)[bounds[0] : bounds[-1]].reshape(len(ids), -1)[:, :PREFIX]
    nibbles = (digits & 15) + 9 * (digits >> 6)  # 0-9 are 0x30.., a-f are 0x61..
    packed = (nibbles[:, ::2] << 4) | nibbles[:, 1::2]
    return np.ascontiguousarray(packed).view(">u8").reshape(-1).astype(np.uint64)
