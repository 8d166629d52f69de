"""Coarsen step by step: rows that are k-anonymous stay as they are, the others climb, the last are left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.classes import Owners, at_least, class_sizes, combined, encoded
from privacy.arrays import one

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

Step = Mapping[str, Callable[["pa.Array"], "pa.Array"]]


def recode_until_k(
    table: pa.Table, quasi_identifiers: Sequence[str], k: int, *, steps: Sequence[Step], subject: str | None = None
) -> tuple[pa.Table, int]:
    """Keep what is k-anonymous as it is; generalise the rest step by step, and suppress what no step saves.

    steps: each maps quasi-identifiers to a function of the column that keeps its type; a step applies on top of the
    earlier ones, to the rows that are still too few. The parts are grouped each on its own, so classes only grow where
    two parts look alike. subject: see classes_of. Returns (kept, n_suppressed); the order of rows stays.
    Raises AnonymityInputError for a wrong column or k.
    """
    import numpy as np
    import pyarrow as pa

    at_least(k)
    columns = {name: _Column(*encoded(table, name), [one(table[name])]) for name in quasi_identifiers}
    owners = Owners.of(table, subject) if subject else None
    kept, rest = np.zeros(table.num_rows, dtype=np.bool_), np.arange(table.num_rows)
    for step in ({}, *steps):
        for name, recode in step.items():
            columns[name].recode(recode, rest)
        ids, n_classes = combined((column.codes[rest], column.n_codes) for column in columns.values())
        enough = class_sizes(ids, n_classes, owners.at(rest) if owners else None)[ids] >= k
        kept[rest[enough]] = True
        rest = rest[~enough]
    changed = {name for step in steps for name in step}
    released = table.filter(pa.array(kept))
    for name in changed:
        at = released.schema.get_field_index(name)
        released = released.set_column(at, released.schema.field(at), columns[name].values(np.flatnonzero(kept)))
    return released, table.num_rows - released.num_rows


@dataclass(slots=True)
class _Column:
    """A column on its way up. codes: per row, of its value now; pool: all values it had; place: where in the pool."""

    codes: npt.NDArray[np.int64]
    n_codes: int
    pool: list[pa.Array]
    place: npt.NDArray[np.int64] | None = None

    def recode(self, function: Callable[[pa.Array], pa.Array], rows: npt.NDArray[np.int64]) -> None:
        """The present values of some rows become coarser."""
        import numpy as np
        import pyarrow as pa

        if self.place is None:
            self.place = np.arange(len(self.codes))
        made = one(function(self.values(rows))).cast(self.pool[0].type)
        self.place[rows] = sum(map(len, self.pool)) + np.arange(len(rows))
        self.pool.append(made)
        self.codes[rows], self.n_codes = encoded(pa.table({"made": made}), "made")

    def values(self, rows: npt.NDArray[np.int64]) -> pa.Array:
        """The present values of some rows."""
        import pyarrow as pa

        place = rows if self.place is None else self.place[rows]
        return one(pa.chunked_array(self.pool)).take(pa.array(place))
