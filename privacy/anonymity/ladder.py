"""Coarsen step by step: rows that are k-anonymous stay as they are, the others climb, the last are left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from privacy.anonymity.classes import Owners, at_least, class_sizes, combined, encoded
from privacy.arrays import one

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

Recode = Callable[["pa.Array"], "pa.Array"]
Step = Mapping[str, Recode | str | None]


def recode_until_k(
    table: pa.Table, quasi_identifiers: Sequence[str], k: int, *, steps: Sequence[Step], subject: str | None = None
) -> tuple[pa.Table, int]:
    """Keep what is k-anonymous as it is; generalise the rest step by step, and suppress what no step saves.

    steps: each maps quasi-identifiers to one value for all (a text or None) or to a function of the column that keeps
    its type; a step applies on top of the earlier ones, to the rows that are still too few. The parts are grouped each
    on its own, so classes only grow where two parts look alike. subject: see classes_of.
    Returns (kept, n_suppressed); the order of rows stays. Raises AnonymityInputError for a wrong column or k.
    """
    import numpy as np
    import pyarrow as pa

    at_least(k)
    recoded = {name for step in steps for name in step}
    columns = {name: _Column(one(table[name]), *encoded(table, name)) for name in quasi_identifiers if name in recoded}
    lasting = [encoded(table, name) for name in quasi_identifiers if name not in recoded]
    fixed = [combined(lasting)] if lasting else []
    owners = Owners.of(table, subject) if subject else None
    saved_at, rest = np.full(table.num_rows, -1, dtype=np.int64), np.arange(table.num_rows)
    for number, step in enumerate(({}, *steps)):
        for name, recode in step.items():
            columns[name].recode(recode, rest, number)
        coded = [*fixed, *((column.codes, column.n_codes) for column in columns.values())]
        ids, n_classes = combined((codes[rest], n_codes) for codes, n_codes in coded)
        enough = _in_large_classes(ids, n_classes, k, owners.at(rest) if owners else None)
        saved_at[rest[enough]] = number
        rest = rest[~enough]
    kept = np.flatnonzero(saved_at >= 0)
    changed = [name for name, column in columns.items() if column.versions]
    released = table.drop_columns(changed)
    released = released.take(pa.array(kept)) if len(kept) < table.num_rows else released
    made = {name: columns[name].values(kept, saved_at[kept]) for name in changed}
    arrays = [made[name] if name in made else released[name] for name in table.column_names]
    return pa.table(arrays, schema=table.schema), len(rest)


def _in_large_classes(
    ids: npt.NDArray[np.int64], n_classes: int, k: int, owners: Owners | None
) -> npt.NDArray[np.bool_]:
    """Which rows are in a class of k; people are counted only where there are k rows, for no other class has k."""
    import numpy as np

    enough: npt.NDArray[np.bool_] = class_sizes(ids, n_classes)[ids] >= k
    if owners:
        large = np.flatnonzero(enough)
        enough[large] = class_sizes(ids[large], n_classes, owners.at(large))[ids[large]] >= k
    return enough


@dataclass(slots=True)
class _Column:
    """A column on its way up. codes: per row, of its value now; versions: (step, the value for all or per row)."""

    values_before: pa.Array
    codes: npt.NDArray[np.int64]
    n_codes: int
    versions: list[tuple[int, pa.Array | pa.Scalar]] = field(default_factory=list)

    def recode(self, recode: Recode | str | None, rows: npt.NDArray[np.int64], number: int) -> None:
        """The values of some rows become coarser with this step."""
        import pyarrow as pa

        kind = self.values_before.type
        if not callable(recode):
            self.versions.append((number, pa.scalar(recode, kind)))
            self.codes[rows], self.n_codes = 0, 1
            return
        made = one(recode(self._newest())).cast(kind)
        self.versions.append((number, made))
        self.codes, self.n_codes = encoded(pa.table({"made": made}), "made")

    def _newest(self) -> pa.Array:
        import pyarrow as pa

        newest = self.versions[-1][1] if self.versions else self.values_before
        return pa.repeat(newest, len(self.codes)) if isinstance(newest, pa.Scalar) else newest

    def values(self, rows: npt.NDArray[np.int64], steps: npt.NDArray[np.int64]) -> pa.Array:
        """The values of some rows as of the step that each was saved at."""
        import pyarrow as pa
        import pyarrow.compute as pc

        first = self.versions[0][0]
        found = self.values_before.take(pa.array(rows, mask=steps >= first))  # what is replaced anyway is not copied
        for number, version in self.versions:
            value = version if isinstance(version, pa.Scalar) else version.take(pa.array(rows))
            found = pc.if_else(pa.array(steps >= number), value, found)
        return found
