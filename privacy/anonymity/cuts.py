"""One level of Mondrian as arrays: the partitions, the most balanced cut of each, and the level after cutting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DENSE_BINS_PER_POINT = 8


@dataclass(frozen=True, slots=True)
class Level:
    """Partitions that lie one behind the other. codes: (columns, points); starts: (partitions + 1).

    weights: rows per point; points: numbers in the first level; sensitive: per constraint the value of each point.
    low, high: (columns, partitions) smallest and largest code; sizes: rows per partition.
    """

    codes: npt.NDArray[np.unsignedinteger]
    weights: npt.NDArray[np.int64]
    points: npt.NDArray[np.int64]
    sensitive: list[npt.NDArray[np.int64]]
    starts: npt.NDArray[np.int64]
    low: npt.NDArray[np.unsignedinteger]
    high: npt.NDArray[np.unsignedinteger]
    sizes: npt.NDArray[np.int64]
    partition_of_point: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls,
        codes: npt.NDArray[np.unsignedinteger],
        weights: npt.NDArray[np.int64],
        points: npt.NDArray[np.int64],
        sensitive: Sequence[npt.NDArray[np.int64]],
        starts: npt.NDArray[np.int64],
    ) -> Level:
        """The level with its bounds and sizes counted."""
        import numpy as np

        first, n = starts[:-1], len(starts) - 1
        return cls(
            codes=codes,
            weights=weights,
            points=points,
            sensitive=list(sensitive),
            starts=starts,
            low=np.minimum.reduceat(codes, first, axis=1) if n else codes[:, :0],
            high=np.maximum.reduceat(codes, first, axis=1) if n else codes[:, :0],
            sizes=np.add.reduceat(weights, first) if n else weights[:0],
            partition_of_point=np.repeat(np.arange(n), np.diff(starts)),
        )

    @property
    def n(self) -> int:
        """How many partitions there are."""
        return len(self.starts) - 1


@dataclass(frozen=True, slots=True)
class Cuts:
    """Per partition of a level: whether it is cut, along which column, and the largest code that goes left."""

    made: npt.NDArray[np.bool_]
    columns: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]

    @classmethod
    def none(cls, n: int) -> Cuts:
        """No cut yet."""
        import numpy as np

        return cls(np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))

    def set(self, at: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]) -> None:
        """Record the cuts of some partitions."""
        self.made[at], self.columns[at], self.codes[at] = True, columns, codes


@dataclass(frozen=True, slots=True)
class Candidates:
    """Proposed cuts of some partitions. smaller: rows on the smaller side."""

    partitions: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    smaller: npt.NDArray[np.int64]

    def of(self, chosen: npt.NDArray[np.bool_]) -> Candidates:
        """Some of them."""
        return Candidates(self.partitions[chosen], self.columns[chosen], self.codes[chosen], self.smaller[chosen])

    def sides(
        self, level: Level, values: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
        """(per point 2 * candidate + side, its value, its weight, number of candidates)."""
        at, owner = _points_of(level, self.partitions)
        right = _codes_at(level, self.columns[owner], at) > self.codes[owner]
        return 2 * owner + right, values[at], level.weights[at], len(self.partitions)


def best_cuts(level: Level, partitions: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Candidates:
    """The cut of each partition along its column whose smaller side is largest; the lowest of equals."""
    import numpy as np

    at, owner = _points_of(level, partitions)
    low = level.low[columns, partitions].astype(np.int64)
    n_codes = level.high[columns, partitions].astype(np.int64) - low + 1
    first_bin = np.concatenate([[0], np.cumsum(n_codes)])
    bins = _codes_at(level, columns[owner], at) - low[owner] + first_bin[owner]
    if first_bin[-1] > DENSE_BINS_PER_POINT * len(at):
        used, bins = np.unique(bins, return_inverse=True)
    else:
        used = np.arange(first_bin[-1])
    starts = np.searchsorted(used, first_bin)
    owner_of_bin = np.repeat(np.arange(len(partitions)), np.diff(starts))
    cumulated = np.cumsum(np.bincount(bins, weights=level.weights[at], minlength=len(used))).astype(np.int64)
    sizes = level.sizes[partitions]
    left = cumulated - (np.cumsum(sizes) - sizes)[owner_of_bin]
    smaller = np.minimum(left, sizes[owner_of_bin] - left)
    best = np.maximum.reduceat(smaller, starts[:-1])
    hits = np.flatnonzero(smaller == best[owner_of_bin])[::-1]
    chosen = np.empty(len(partitions), dtype=np.int64)
    chosen[owner_of_bin[hits]] = hits  # written from the last to the first: the lowest stays
    return Candidates(partitions, columns, used[chosen] - first_bin[:-1] + low, best)


def split(level: Level, cuts: Cuts) -> Level:
    """The halves of the partitions that are cut, left before right; the others are gone."""
    import numpy as np

    cut = np.flatnonzero(cuts.made)
    at, owner = _points_of(level, cut)
    right = _codes_at(level, cuts.columns[cut][owner], at) > cuts.codes[cut][owner]
    lengths = (level.starts[1:] - level.starts[:-1])[cut]
    first = np.cumsum(lengths) - lengths
    lefts = np.concatenate([[0], np.cumsum(~right)])  # how many went left before each place
    n_left = lefts[first + lengths] - lefts[first]
    rank_left = lefts[:-1] - lefts[first][owner]
    place = np.where(right, np.arange(len(at)) + n_left[owner] - rank_left, first[owner] + rank_left)
    order = np.empty(len(at), dtype=np.int64)
    order[place] = at
    starts = np.stack([first, first + n_left], axis=1).ravel()
    return Level.of(
        level.codes[:, order],
        level.weights[order],
        level.points[order],
        [values[order] for values in level.sensitive],
        np.append(starts, len(at)),
    )


def _points_of(level: Level, partitions: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The places of all points of some partitions, and for each the index into `partitions`."""
    import numpy as np

    starts = level.starts[:-1][partitions]
    lengths = level.starts[1:][partitions] - starts
    owner = np.repeat(np.arange(len(partitions)), lengths)
    before = np.cumsum(lengths) - lengths
    return np.arange(len(owner)) + (starts - before)[owner], owner


def _codes_at(level: Level, columns: npt.NDArray[np.int64], at: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    import numpy as np

    flat: npt.NDArray[np.int64] = level.codes.ravel()[columns * level.codes.shape[1] + at].astype(np.int64)
    return flat
