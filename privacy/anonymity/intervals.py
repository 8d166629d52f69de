"""A table through Mondrian: columns in, partitioning, and the same table with intervals for values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.diversity import Constraint
from privacy.anonymity.mondrian import SUPPRESSED, Partitioning, mondrian
from privacy.anonymity.ordering import OrderedColumn, ordered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Anonymised:
    """The rows that can be released and how many cannot; table.num_rows + n_suppressed = rows read."""

    table: pa.Table
    n_suppressed: int
    partitioning: Partitioning


def anonymise(
    table: pa.Table,
    quasi_identifiers: Sequence[str],
    k: int,
    *,
    orders: Mapping[str, Sequence[str]] | None = None,
    constraints: Sequence[Constraint] = (),
) -> Anonymised:
    """Replace quasi-identifiers by intervals so that every class has at least k rows and holds the constraints.

    orders: per text column the order of its categories (neighbours should be alike); alphabetical without one.
    Intervals are text: '39' or '[30, 39]'. Other columns and the order of rows stay.
    Raises AnonymityInputError for wrong columns or bounds.
    """
    import pyarrow as pa

    orders = orders or {}
    columns = [ordered(table, name, orders.get(name)) for name in quasi_identifiers]
    found = mondrian(columns, k, constraints=constraints)
    released = table
    if found.n_suppressed:
        released = table.slice(0, 0)
    ids = found.ids[found.ids != SUPPRESSED]
    for column, low, high in zip(columns, found.low, found.high, strict=True):
        at = released.schema.get_field_index(column.name)
        released = released.set_column(at, pa.field(column.name, pa.string()), _texts(column, low, high, ids))
    return Anonymised(released, found.n_suppressed, found)


def _texts(
    column: OrderedColumn, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]
) -> pa.Array:
    """Per row the text of its interval; each distinct interval is written once."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    n = max(len(column.positions), 1)
    pairs, text_of_class = np.unique(low * n + high, return_inverse=True)
    first, last = column.labels.take(pa.array(pairs // n)), column.labels.take(pa.array(pairs % n))
    ranges = pc.binary_join_element_wise("[", first, ", ", last, "]", "")
    texts = pc.if_else(pa.array(pairs // n == pairs % n), first, ranges)
    return texts.take(pa.array(text_of_class[ids]))
