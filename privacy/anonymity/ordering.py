"""Columns as ordered codes with a position on a scale: what Mondrian cuts, and how wide an interval of it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.errors import UncoveredValuesError, UnknownColumnError
from privacy.arrays import one

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

NONE = "(none)"


@dataclass(frozen=True, slots=True)
class OrderedColumn:
    """codes: per row 0 to n-1 in order; labels: text per code; positions: per code, ascending.

    The position of a number is the number; of a category, its place in the order. A null comes first, one mean gap
    below the smallest value.
    """

    name: str
    codes: npt.NDArray[np.int64]
    labels: pa.Array
    positions: npt.NDArray[np.float64]

    @property
    def span(self) -> float:
        """Distance from the first to the last position; 0 for a constant column."""
        return float(self.positions[-1] - self.positions[0]) if len(self.positions) else 0.0


def ordered(table: pa.Table, name: str, categories: Sequence[str] | None = None) -> OrderedColumn:
    """A column in its order: numbers and dates by size, text by `categories`, or alphabetically without them.

    Raises UnknownColumnError for a missing column or a type without order, UncoveredValuesError when `categories`
    lacks a value of the column.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if name not in table.column_names:
        raise UnknownColumnError(f"the table has no column {name!r}; its columns are {', '.join(table.column_names)}")
    column = _plain(one(table[name]))
    try:
        words = column.dictionary_encode()
    except pa.ArrowNotImplementedError as error:
        raise _without_order(name, column.type) from error
    values, scale = words.dictionary, _scale(words.dictionary, name, categories)
    order = np.argsort(scale, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    labels, positions = pc.cast(values.take(pa.array(order)), pa.string()), scale[order]
    at = words.indices
    if at.null_count:
        gap = (positions[-1] - positions[0]) / max(len(positions) - 1, 1) if len(positions) else 0.0
        below = (positions[0] if len(positions) else 0.0) - (gap or 1.0)
        positions = np.concatenate([[below], positions])
        labels = pa.concat_arrays([pa.array([NONE]), labels])
        rank = np.concatenate([rank + 1, [0]])
        at = at.fill_null(len(values))
    return OrderedColumn(name, rank[at.to_numpy().astype(np.int64)], labels, positions)


def _plain(column: pa.Array) -> pa.Array:
    """Dictionaries decoded, NaN as null, and -0.0 as 0.0, so that equal values have one code."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if pa.types.is_floating(column.type):
        return pc.add(pc.if_else(pc.is_nan(column), None, column), 0.0)
    return column


def _scale(values: pa.Array, name: str, categories: Sequence[str] | None) -> npt.NDArray[np.float64]:
    """The position of every distinct value."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if categories is not None:
        found = pc.index_in(values.cast(pa.string()), value_set=pa.array(list(categories), pa.string()))
        if found.null_count:
            raise UncoveredValuesError(f"{found.null_count} values of column {name!r} are not in its given order")
        return np.asarray(found.to_numpy(), dtype=np.float64)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        rank = np.empty(len(values), dtype=np.float64)
        rank[pc.sort_indices(values).to_numpy()] = np.arange(len(values))
        return rank
    try:
        whole = values.cast(pa.int64()) if pa.types.is_temporal(kind) and not pa.types.is_date32(kind) else values
        whole = values.cast(pa.int32()) if pa.types.is_date32(kind) else whole
        return np.asarray(whole.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        pass  # raised below: Arrow's message may quote a value
    raise _without_order(name, kind)


def _without_order(name: str, kind: pa.DataType) -> UnknownColumnError:
    return UnknownColumnError(f"column {name!r} is {kind}, which has no order; make it flat text, numbers or dates")
