"""Constraints on a sensitive column within a class: l-diversity and t-closeness. k alone protects little."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from privacy.anonymity.classes import at_least, encoded
from privacy.anonymity.errors import InvalidConstraintError
from privacy.anonymity.ordering import ordered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

ROUNDING = 1e-9


class Constraint(Protocol):
    """What every class must hold. codes: per row the sensitive value, 0 to n_values-1."""

    @property
    def codes(self) -> npt.NDArray[np.int64]: ...

    @property
    def n_values(self) -> int: ...

    def holds(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Per class whether it holds. counts: (classes, values) rows."""

    def allows_all(self) -> bool:
        """Whether one class of all rows holds."""

    def allows(
        self,
        sides: npt.NDArray[np.int64],
        values: npt.NDArray[np.int64],
        weights: npt.NDArray[np.int64],
        n_cuts: int,
    ) -> npt.NDArray[np.bool_]:
        """Per cut whether both sides hold. sides: 2 * cut + side of each point."""


@dataclass(frozen=True, slots=True)
class _Sensitive(ABC):
    codes: npt.NDArray[np.int64]
    n_values: int

    @abstractmethod
    def holds(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Per class whether it holds; see Constraint."""

    def allows_all(self) -> bool:
        return bool(self.holds(value_counts(self.codes * 0, self.codes, 1, self.n_values))[0])

    def allows(
        self,
        sides: npt.NDArray[np.int64],
        values: npt.NDArray[np.int64],
        weights: npt.NDArray[np.int64],
        n_cuts: int,
    ) -> npt.NDArray[np.bool_]:
        both = self.holds(value_counts(sides, values, 2 * n_cuts, self.n_values, weights=weights))
        return both[0::2] & both[1::2]


@dataclass(frozen=True, slots=True)
class DistinctDiversity(_Sensitive):
    """Distinct l-diversity (Machanavajjhala et al. 2007): at least l different values in a class."""

    l_value: int

    def holds(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return distinct_values(counts) >= self.l_value


@dataclass(frozen=True, slots=True)
class Closeness(_Sensitive):
    """t-closeness (Li, Li & Venkatasubramanian 2007): the class differs from the table by at most t."""

    t: float
    overall: npt.NDArray[np.float64]
    is_ordered: bool

    def holds(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return distances(counts, self.overall, is_ordered=self.is_ordered) <= self.t + ROUNDING


def diverse(table: pa.Table, sensitive: str, l_value: int) -> DistinctDiversity:
    """At least l_value different values of a column per class. Raises InvalidConstraintError, UnknownColumnError."""
    codes, n_values = encoded(table, sensitive)
    return DistinctDiversity(codes, n_values, at_least(l_value, "l"))


def close(table: pa.Table, sensitive: str, t: float) -> Closeness:
    """Every class within t of the table. Numbers by the ordered distance, everything else by the equal distance."""
    if not 0 <= t <= 1:
        raise InvalidConstraintError(f"t must be between 0 and 1, not {t!r}")
    codes, n_values, is_ordered = sensitive_codes(table, sensitive)
    overall = value_counts(codes * 0, codes, 1, n_values)[0]
    return Closeness(codes, n_values, t, overall / max(overall.sum(), 1), is_ordered)


def sensitive_codes(table: pa.Table, sensitive: str) -> tuple[npt.NDArray[np.int64], int, bool]:
    """(codes, number of codes, whether their order means something: numbers only)."""
    import pyarrow as pa

    kind = table.schema.field(sensitive).type if sensitive in table.column_names else pa.null()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        column = ordered(table, sensitive)
        return column.codes, max(len(column.positions), 1), True
    return *encoded(table, sensitive), False


def value_counts(
    classes: npt.NDArray[np.int64],
    values: npt.NDArray[np.int64],
    n_classes: int,
    n_values: int,
    *,
    weights: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.float64]:
    """(classes, values) how many rows of each class have each value."""
    import numpy as np

    counts = np.bincount(classes * n_values + values, weights=weights, minlength=n_classes * n_values)
    return counts.astype(np.float64).reshape(n_classes, n_values)


def distinct_values(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Different values per class."""
    import numpy as np

    return np.asarray((counts > 0).sum(axis=1))


def distances(
    counts: npt.NDArray[np.float64], overall: npt.NDArray[np.float64], *, is_ordered: bool
) -> npt.NDArray[np.float64]:
    """Earth mover's distance of each class from the whole, 0 to 1 (Li et al. 2007, section 4).

    Equal distance: half the sum of absolute differences. Ordered distance: the mean over the n_values - 1 gaps of the
    absolute cumulated difference.
    """
    import numpy as np

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    difference = shares - overall
    if not is_ordered:
        return np.asarray(np.abs(difference).sum(axis=1) / 2)
    moved = np.abs(np.cumsum(difference, axis=1))
    return np.asarray(moved.sum(axis=1) / max(counts.shape[1] - 1, 1))
