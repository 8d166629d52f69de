"""Strict multidimensional partitioning (Mondrian; LeFevre, DeWitt & Ramakrishnan 2006) with k, l and t as constraints.

All partitions of a level are cut at once with array operations. The result depends on the set of rows only, not on
their order. Reading columns is ordering.py, writing intervals is intervals.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.classes import at_least, combined
from privacy.anonymity.cuts import Cuts, Level, best_cuts, split
from privacy.anonymity.diversity import Constraint
from privacy.anonymity.ordering import OrderedColumn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SUPPRESSED = -1


@dataclass(frozen=True, slots=True)
class Partitioning:
    """ids: per row its class, SUPPRESSED where none was possible; low, high: (columns, classes) the tightest codes."""

    columns: tuple[OrderedColumn, ...]
    ids: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @property
    def n_suppressed(self) -> int:
        """Rows without a class: all or none, since one class of everybody is the first partition."""
        return int((self.ids == SUPPRESSED).sum())


def mondrian(columns: Sequence[OrderedColumn], k: int, *, constraints: Sequence[Constraint] = ()) -> Partitioning:
    """Cut the rows into classes of at least k that hold every constraint, always along the widest column that can be.

    A cut is the one nearest to the median; where it is not allowed, the next widest column is tried. One row is one
    person: aggregate first where a person has several. When even the whole table breaks a constraint, all rows are
    suppressed. Raises InvalidConstraintError for a wrong k.
    """
    import numpy as np

    at_least(k)
    n_rows = len(columns[0].codes)
    points, level = _first_level(columns, constraints)
    if n_rows < k or not all(constraint.allows_all() for constraint in constraints):
        nobody = np.zeros((len(columns), 0), dtype=np.int64)
        return Partitioning(tuple(columns), np.full(n_rows, SUPPRESSED), nobody, nobody, np.zeros(0, dtype=np.int64))
    found = _Leaves(np.zeros(len(level.weights), dtype=np.int64), [], [], [])
    while level.n:
        cuts = _choose_cuts(level, columns, k, constraints)
        found.add(level, ~cuts.made)
        level = split(level, cuts)
    low, high = np.concatenate(found.low, axis=1), np.concatenate(found.high, axis=1)
    return Partitioning(tuple(columns), found.point_ids[points], low, high, np.concatenate(found.sizes))


@dataclass(slots=True)
class _Leaves:
    """The classes found so far, and the class of every point."""

    point_ids: npt.NDArray[np.int64]
    low: list[npt.NDArray[np.int64]]
    high: list[npt.NDArray[np.int64]]
    sizes: list[npt.NDArray[np.int64]]

    def add(self, level: Level, done: npt.NDArray[np.bool_]) -> None:
        import numpy as np

        first = sum(len(sizes) for sizes in self.sizes)
        ids = np.cumsum(done) - 1 + first
        at = done[level.partition_of_point]
        self.point_ids[level.points[at]] = ids[level.partition_of_point[at]]
        self.low.append(level.low[:, done].astype(np.int64))
        self.high.append(level.high[:, done].astype(np.int64))
        self.sizes.append(level.sizes[done])


def _first_level(
    columns: Sequence[OrderedColumn], constraints: Sequence[Constraint]
) -> tuple[npt.NDArray[np.int64], Level]:
    """Equal rows joined into weighted points: (per row its point, one partition of all points)."""
    import numpy as np

    parts = [(column.codes, max(len(column.positions), 1)) for column in columns]
    parts += [(constraint.codes, constraint.n_values) for constraint in constraints]
    points, n_points = combined(parts)
    first = np.zeros(n_points, dtype=np.int64)
    first[points] = np.arange(len(points))
    kind = np.min_scalar_type(max(len(column.positions) for column in columns))
    codes = np.stack([column.codes[first].astype(kind) for column in columns])
    sensitive = [constraint.codes[first] for constraint in constraints]
    weights = np.bincount(points, minlength=n_points)
    starts = np.array([0, n_points] if n_points else [0], dtype=np.int64)
    return points, Level.of(codes, weights, np.arange(n_points), sensitive, starts)


def _choose_cuts(level: Level, columns: Sequence[OrderedColumn], k: int, constraints: Sequence[Constraint]) -> Cuts:
    """Per partition the first allowed cut, columns tried from the widest to the narrowest."""
    import numpy as np

    width = np.stack(
        [
            (column.positions[high] - column.positions[low]) / (column.span or 1.0)
            for column, low, high in zip(columns, level.low, level.high, strict=True)
        ]
    )
    order = np.argsort(-width, axis=0, kind="stable")
    cuts = Cuts.none(level.n)
    pending = np.flatnonzero(level.sizes >= 2 * k)
    for rank in range(len(columns)):
        column_of = order[rank, pending]
        can = width[column_of, pending] > 0
        pending, column_of = pending[can], column_of[can]
        if not len(pending):
            break
        found = best_cuts(level, pending, column_of)
        allowed = found.smaller >= k
        for constraint, values in zip(constraints, level.sensitive, strict=True):
            if allowed.any():
                allowed[allowed] = constraint.allows(*found.of(allowed).sides(level, values))
        cuts.set(pending[allowed], column_of[allowed], found.codes[allowed])
        pending = pending[~allowed]
    return cuts
