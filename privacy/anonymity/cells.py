"""Published counts as cells and equations: which total is the sum of which parts. What to hide is complementary.py."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.errors import InconsistentCellsError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

TOTAL = "(total)"


@dataclass(frozen=True, slots=True)
class Equation:
    """A total and its parts, by the numbers of their cells."""

    total: int
    parts: tuple[int, ...]

    @property
    def cells(self) -> tuple[int, ...]:
        """All of them, the total first."""
        return (self.total, *self.parts)


@dataclass(frozen=True, slots=True)
class CellTable:
    """keys: per cell its coordinates; counts: people per cell; equations: what an outsider can subtract.

    Raises InconsistentCellsError when a count is negative or a total is not the sum of its parts.
    """

    keys: tuple[tuple[str, ...], ...]
    counts: npt.NDArray[np.int64]
    equations: tuple[Equation, ...]

    def __post_init__(self) -> None:
        if (self.counts < 0).any():
            raise InconsistentCellsError("a cell counts fewer than 0 people")
        wrong = sum(
            self.counts[equation.total] != self.counts[list(equation.parts)].sum() for equation in self.equations
        )
        if wrong:
            raise InconsistentCellsError(
                f"{wrong} totals are not the sums of their parts; people counted in several parts need cells of rows"
            )


def cube(
    table: pa.Table,
    dimensions: Sequence[str],
    count: str,
    *,
    parents: Mapping[str, Mapping[str, str]] | None = None,
) -> CellTable:
    """The cells of all combinations of the dimensions' values, of the groups above them and of TOTAL.

    table: one row a combination with its count; absent combinations count 0. parents: per dimension, value or group ->
    the group above it; what has no parent is part of TOTAL. Raises InconsistentCellsError for a null, a circle of
    parents, a repeated combination or a group that is a value too.
    """
    import numpy as np

    trees = [_tree(table, name, (parents or {}).get(name, {})) for name in dimensions]
    axes = [[*tree.ancestry, *tree.groups] for tree in trees]
    keys = tuple(itertools.product(*axes))
    number = {key: n for n, key in enumerate(keys)}
    counts = np.zeros(len(keys), dtype=np.int64)
    leaves = zip(*(table[name].to_pylist() for name in dimensions), strict=True)
    seen = set()
    for leaf, n in zip(leaves, table[count].to_pylist(), strict=True):
        texts = tuple(map(str, leaf))
        if texts in seen:
            raise InconsistentCellsError("a combination of dimensions occurs twice; add its counts up first")
        seen.add(texts)
        for key in itertools.product(*(tree.ancestry[text] for tree, text in zip(trees, texts, strict=True))):
            counts[number[key]] += n
    equations = []
    for axis, tree in enumerate(trees):
        others = [values if other != axis else [""] for other, values in enumerate(axes)]
        for group, children in tree.groups.items():
            for at in itertools.product(*others):
                total = number[(*at[:axis], group, *at[axis + 1 :])]
                parts = tuple(number[(*at[:axis], child, *at[axis + 1 :])] for child in children)
                equations.append(Equation(total, parts))
    return CellTable(keys, counts, tuple(equations))


@dataclass(frozen=True, slots=True)
class _Tree:
    """ancestry: value -> itself and everything above it; groups: group -> what lies directly below."""

    ancestry: dict[str, tuple[str, ...]]
    groups: dict[str, list[str]]


def _tree(table: pa.Table, name: str, parents: Mapping[str, str]) -> _Tree:
    column = table[name]
    if column.null_count:
        raise InconsistentCellsError(f"dimension {name!r} holds nulls; give them a name of their own")
    values = sorted({str(value) for value in column.unique().to_pylist()})
    ancestry: dict[str, tuple[str, ...]] = {}
    groups: dict[str, list[str]] = {}
    for value in values:
        path = [value]
        while path[-1] != TOTAL:
            above = parents.get(path[-1], TOTAL)
            if above in path or above in values:
                raise InconsistentCellsError(f"the groups of dimension {name!r} form a circle or are values themselves")
            below = groups.setdefault(above, [])
            if path[-1] not in below:
                below.append(path[-1])
            path.append(above)
        ancestry[value] = tuple(path)
    return _Tree(ancestry, groups)
