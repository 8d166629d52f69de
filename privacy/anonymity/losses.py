"""What global recoding costs, as ARX defines it: non-uniform entropy, and domain share ("Loss") compared by rank.

A loss is a row of numbers, compared from left to right; smaller is better. The search is recoding.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TEN_DIGITS = 1e10  # ARX cuts the loss of a column after ten digits before it compares


@dataclass(frozen=True, slots=True)
class Facet:
    """One column on one level. counts: rows per label; rows_of_value: rows per value of the domain;
    group: per value its label; share: per label the part of the domain's values it covers."""

    counts: npt.NDArray[np.int64]
    rows_of_value: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    share: npt.NDArray[np.float64]


class Loss(Protocol):
    """A measure whose bound can only grow with generalisation, and never exceeds the loss with suppression."""

    def bound(self, facet: Facet) -> float:
        """The column's loss if nothing were suppressed."""

    def loss(self, facet: Facet, n_suppressed: npt.NDArray[np.int64]) -> float:
        """The column's loss. n_suppressed: suppressed rows per label."""

    def aggregate(self, columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(transformations, columns) to (transformations, numbers to compare)."""


@dataclass(frozen=True, slots=True)
class NonUniformEntropy:
    """Sum over rows and columns of -log2 of a value's share within its label (De Waal & Willenborg 1999).

    ARX's monotonic variant: suppression costs nothing, since it is bounded by its own limit.
    """

    def bound(self, facet: Facet) -> float:
        import numpy as np

        present = facet.rows_of_value > 0
        rows, joined = facet.rows_of_value[present], facet.counts[facet.group[present]]
        return _cut(float((rows * np.log2(joined / rows)).sum()))

    def loss(self, facet: Facet, n_suppressed: npt.NDArray[np.int64]) -> float:  # noqa: ARG002
        return self.bound(facet)

    def aggregate(self, columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        total: npt.NDArray[np.float64] = columns.sum(axis=1, keepdims=True)
        return total


@dataclass(frozen=True, slots=True)
class DomainShare:
    """Mean share of the domain that a row's label covers (after Iyengar 2002), 0 at the finest level to 1.

    balance: 0.5 weighs generalisation and suppression alike, below favours suppression, above generalisation.
    Transformations are compared by their worst column, then the second worst, and so on.
    """

    balance: float = 0.5

    @property
    def _generalisation(self) -> float:
        return min(1.0, 2 - 2 * self.balance)

    @property
    def _suppression(self) -> float:
        return min(1.0, 2 * self.balance)

    def bound(self, facet: Facet) -> float:
        return self._normalised(facet, float((facet.counts * facet.share).sum()) * self._generalisation)

    def loss(self, facet: Facet, n_suppressed: npt.NDArray[np.int64]) -> float:
        kept = float(((facet.counts - n_suppressed) * facet.share).sum()) * self._generalisation
        covered = float((n_suppressed * facet.share).sum())
        return self._normalised(facet, kept + covered + self._suppression * (float(n_suppressed.sum()) - covered))

    def _normalised(self, facet: Facet, total: float) -> float:
        n_rows = float(facet.counts.sum())
        least = self._generalisation * n_rows / len(facet.group)
        return _cut(max((total - least) / (n_rows - least), 0.0)) if n_rows > least else 0.0

    def aggregate(self, columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        import numpy as np

        return -np.sort(-columns, axis=1)


def _cut(value: float) -> float:
    return math.floor(value * TEN_DIGITS) / TEN_DIGITS
