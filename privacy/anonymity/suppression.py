"""k-anonymity by leaving rows out: the check, the gate, and the enforcement that the transform calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.classes import at_least, classes_of
from privacy.anonymity.errors import IdentifiableRowsError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class KCheck:
    """What a check found. k: the bar; smallest: people in the smallest class, None for an empty table."""

    k: int
    smallest: int | None
    n_classes: int
    n_small_classes: int
    n_rows: int
    n_rows_at_risk: int

    @property
    def passed(self) -> bool:
        """No class is below k. An empty table passes: it shows nobody."""
        return self.n_small_classes == 0


def check_k(table: pa.Table, quasi_identifiers: Sequence[str], k: int, *, subject: str | None = None) -> KCheck:
    """Count the classes of fewer than k people (Sweeney 2002); counts only, no values.

    subject: see classes_of. Raises AnonymityInputError for a wrong column or k.
    """
    at_least(k)
    classes = classes_of(table, quasi_identifiers, subject=subject)
    small = classes.sizes < k
    return KCheck(
        k=k,
        smallest=int(classes.sizes.min()) if len(classes.sizes) else None,
        n_classes=len(classes.sizes),
        n_small_classes=int(small.sum()),
        n_rows=table.num_rows,
        n_rows_at_risk=int(small[classes.ids].sum()),
    )


def require_k(table: pa.Table, quasi_identifiers: Sequence[str], k: int, *, subject: str | None = None) -> KCheck:
    """check_k as a gate: raises IdentifiableRowsError when a class is below k."""
    found = check_k(table, quasi_identifiers, k, subject=subject)
    if not found.passed:
        raise IdentifiableRowsError(
            f"{found.n_rows_at_risk} of {found.n_rows} rows are in classes of fewer than {k} people over "
            f"{', '.join(quasi_identifiers)}; suppress them with enforce_k or generalise a column"
        )
    return found


def enforce_k(
    table: pa.Table, quasi_identifiers: Sequence[str], k: int, *, subject: str | None = None
) -> tuple[pa.Table, int]:
    """The rows whose class holds at least k people, in their order, and the number of rows left out.

    kept.num_rows + n_suppressed = table.num_rows. subject: see classes_of.
    """
    import pyarrow as pa

    at_least(k)
    keep = classes_of(table, quasi_identifiers, subject=subject).size_of_row >= k
    kept = table.filter(pa.array(keep))
    return kept, table.num_rows - kept.num_rows
