"""Arrow columns as one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as one array; without a copy when it is one already (combine_chunks copies a single chunk)."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
