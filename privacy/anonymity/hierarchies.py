"""Generalisation hierarchies: for every value of a column, its label on each level. The last level says least."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from privacy.anonymity.errors import InvalidHierarchyError, UncoveredValuesError, UnknownColumnError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """levels: per level one label for each value of the domain; levels[0] are the values themselves.

    Raises InvalidHierarchyError when levels are ragged, a value is listed twice, or two values that share a label are
    apart on a higher level: then a higher level would not mean fewer classes, and the search would prune wrongly.
    """

    levels: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if not self.levels or any(len(level) != len(self.levels[0]) for level in self.levels):
            raise InvalidHierarchyError("a hierarchy needs at least one level, and a label for every value on each")
        if len(set(self.levels[0])) < len(self.levels[0]):
            raise InvalidHierarchyError("a hierarchy lists a value twice; keep one line a value")
        for number, (lower, upper) in enumerate(zip(self.levels, self.levels[1:], strict=False)):
            if len(set(zip(lower, upper, strict=True))) > len(set(lower)):
                raise InvalidHierarchyError(
                    f"values that share a label on level {number} have different labels on level {number + 1}"
                )

    @classmethod
    def of(cls, rows: Sequence[Sequence[str]]) -> Hierarchy:
        """From one row a value: the value, then its label on each level."""
        lengths = {len(row) for row in rows}
        if len(lengths) != 1:
            raise InvalidHierarchyError(f"the rows of a hierarchy need one length; found {sorted(lengths)}")
        return cls(tuple(zip(*(map(str, row) for row in rows), strict=True)))

    @classmethod
    def read(cls, file: Path, *, delimiter: str = ";") -> Hierarchy:
        """From a file without header, one line a value: the format of ARX."""
        with file.open(newline="", encoding="utf-8") as lines:
            return cls.of([row for row in csv.reader(lines, delimiter=delimiter) if row])

    @property
    def n_levels(self) -> int:
        """How many levels there are, the values themselves included."""
        return len(self.levels)

    def groups(self, level: int) -> tuple[npt.NDArray[np.int64], int]:
        """Per value of the domain the number of its label on a level, and the number of labels."""
        import numpy as np

        number: dict[str, int] = {}
        ids = [number.setdefault(label, len(number)) for label in self.levels[level]]
        return np.array(ids, dtype=np.int64), len(number)

    def place(self, table: pa.Table, name: str) -> npt.NDArray[np.int64]:
        """Per row the place of its value in the domain.

        Raises UnknownColumnError, and UncoveredValuesError when values are not in the hierarchy.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if name not in table.column_names:
            raise UnknownColumnError(f"the table has no column {name!r}; it has {', '.join(table.column_names)}")
        found = pc.index_in(table[name].cast(pa.string()), value_set=pa.array(self.levels[0], pa.string()))
        if found.null_count:
            raise UncoveredValuesError(f"{found.null_count} rows of column {name!r} hold values its hierarchy lacks")
        places: npt.NDArray[np.int64] = found.to_numpy().astype(np.int64)
        return places
