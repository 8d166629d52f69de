"""What a table of classes protects (k, l, t) and what it lost (NCP, discernibility). Never values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from privacy.anonymity.classes import classes_of
from privacy.anonymity.diversity import distances, distinct_values, sensitive_codes, value_counts
from privacy.anonymity.mondrian import Partitioning

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


def k_of(table: pa.Table, quasi_identifiers: Sequence[str], *, subject: str | None = None) -> int:
    """People in the smallest class; 0 for an empty table."""
    sizes = classes_of(table, quasi_identifiers, subject=subject).sizes
    return int(sizes.min()) if len(sizes) else 0


def l_of(table: pa.Table, quasi_identifiers: Sequence[str], sensitive: str) -> int:
    """Distinct l-diversity: different values in the poorest class; 0 for an empty table. A null is a value."""
    counts, _ = _counts(table, quasi_identifiers, sensitive)
    return int(distinct_values(counts).min(initial=counts.shape[1])) if table.num_rows else 0


def t_of(table: pa.Table, quasi_identifiers: Sequence[str], sensitive: str) -> float:
    """t-closeness: the largest distance of a class from the table, 0 to 1; numbers by the ordered distance."""
    counts, is_ordered = _counts(table, quasi_identifiers, sensitive)
    overall = counts.sum(axis=0)
    shares = overall / max(overall.sum(), 1)
    return float(distances(counts, shares, is_ordered=is_ordered).max(initial=0.0))


def discernibility(sizes: npt.NDArray[np.int64], *, n_suppressed: int = 0) -> int:
    """DM (Bayardo & Agrawal 2005): each row costs the size of its class, a suppressed one the size of the table."""
    n_rows = int(sizes.sum()) + n_suppressed
    return int((sizes.astype(object) ** 2).sum()) + n_suppressed * n_rows


def ncp(partitioning: Partitioning) -> float:
    """Normalised certainty penalty (Xu et al. 2006), 0 to 1: the mean width of a row's intervals; suppressed: 1.

    The width of an interval is its extent over the extent of the whole column: by value for numbers and dates, by
    place in the order for categories.
    """
    n_rows = len(partitioning.ids)
    if not n_rows:
        return 0.0
    penalty = float(partitioning.n_suppressed)
    bounds = zip(partitioning.columns, partitioning.low, partitioning.high, strict=True)
    for column, low, high in bounds:
        width = (column.positions[high] - column.positions[low]) / (column.span or 1.0)
        penalty += float((width * partitioning.sizes).sum()) / len(partitioning.columns)
    return penalty / n_rows


def _counts(table: pa.Table, quasi_identifiers: Sequence[str], sensitive: str) -> tuple[npt.NDArray[np.float64], bool]:
    classes = classes_of(table, quasi_identifiers)
    codes, n_values, is_ordered = sensitive_codes(table, sensitive)
    return value_counts(classes.ids, codes, len(classes.sizes), n_values), is_ordered
