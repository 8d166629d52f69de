"""Equivalence classes: which rows look alike in their quasi-identifiers, and how many people are behind each class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privacy.anonymity.errors import InvalidConstraintError, UnknownColumnError
from privacy.arrays import one

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

MAX_KEY = 1 << 62
TABLE_PER_ROW = 4


@dataclass(frozen=True, slots=True)
class Classes:
    """ids: per row its class, 0 to n-1; sizes: per class its rows, or its distinct subjects if a column names them."""

    ids: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @property
    def size_of_row(self) -> npt.NDArray[np.int64]:
        """Per row the size of its class."""
        return self.sizes[self.ids]


def classes_of(table: pa.Table, quasi_identifiers: Sequence[str], *, subject: str | None = None) -> Classes:
    """The classes of a table. A null equals a null, NaN equals NaN.

    subject: a column that says whose row it is; then a class counts distinct subjects, and rows that are nobody's
    (null) count for none. Without it every row is taken for a person of its own.
    Raises UnknownColumnError, and InvalidConstraintError when no quasi-identifier is named.
    """
    if not quasi_identifiers:
        raise InvalidConstraintError("no quasi-identifier was named; name the columns an outsider could know")
    ids, n_classes = combined(encoded(table, name) for name in quasi_identifiers)
    return Classes(ids, class_sizes(ids, n_classes, Owners.of(table, subject) if subject else None))


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose each row is. codes: per row a number of its subject; is_owned: False where it is nobody's."""

    codes: npt.NDArray[np.int64]
    n_codes: int
    is_owned: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, table: pa.Table, subject: str) -> Owners:
        """From the column that names the subject."""
        codes, n_codes = encoded(table, subject)
        return cls(codes, n_codes, one(table[subject]).is_valid().to_numpy(zero_copy_only=False))

    def at(self, rows: npt.NDArray[np.int64]) -> Owners:
        """Those of some rows."""
        return Owners(self.codes[rows], self.n_codes, self.is_owned[rows])


def class_sizes(ids: npt.NDArray[np.int64], n_classes: int, owners: Owners | None = None) -> npt.NDArray[np.int64]:
    """Rows per class, or distinct subjects where the owners are known."""
    import numpy as np

    if owners is None:
        return np.bincount(ids, minlength=n_classes)
    owned = owners.is_owned
    pairs, n_pairs = combined([(ids[owned], n_classes), (owners.codes[owned], owners.n_codes)])
    class_of_pair = np.zeros(n_pairs, dtype=np.int64)
    class_of_pair[pairs] = ids[owned]
    return np.bincount(class_of_pair, minlength=n_classes)


def encoded(table: pa.Table, name: str) -> tuple[npt.NDArray[np.int64], int]:
    """Per row a code that is equal where values are equal, and the number of codes."""
    import numpy as np
    import pyarrow as pa

    if name not in table.column_names:
        raise UnknownColumnError(f"the table has no column {name!r}; its columns are {', '.join(table.column_names)}")
    column = one(table[name])
    if pa.types.is_dictionary(column.type):
        return _encoded_by_dictionary(column)
    if pa.types.is_null(column.type):
        return np.zeros(len(column), dtype=np.int64), 1
    try:
        words = column.dictionary_encode(null_encoding="encode")
    except pa.ArrowNotImplementedError as error:
        raise UnknownColumnError(
            f"column {name!r} is {column.type}, which cannot be compared; make it flat text or numbers"
        ) from error
    return words.indices.to_numpy().astype(np.int64), len(words.dictionary)


def _encoded_by_dictionary(column: pa.DictionaryArray) -> tuple[npt.NDArray[np.int64], int]:
    """Codes of the dictionary's own values (it may repeat one), and one more for null where an index is missing."""
    import pyarrow as pa

    words = pa.table({"words": pa.concat_arrays([column.dictionary, pa.nulls(1, column.dictionary.type)])})
    codes, n_codes = encoded(words, "words")
    places: npt.NDArray[np.int64] = column.indices.cast(pa.int64()).fill_null(len(column.dictionary)).to_numpy()
    return codes[places], n_codes


def combined(columns: Iterable[tuple[npt.NDArray[np.int64], int]]) -> tuple[npt.NDArray[np.int64], int]:
    """One dense code per row for the tuple of several codes."""
    ids, n_ids = None, 1
    for codes, n_codes in columns:
        if ids is None:
            ids, n_ids = codes, n_codes
            continue
        if n_codes == 1:
            continue
        if n_ids * n_codes > MAX_KEY:
            ids, n_ids = dense(ids, n_ids)
        ids, n_ids = ids * n_codes + codes, n_ids * n_codes
    if ids is None:
        raise InvalidConstraintError("no column was named; name at least one")
    return dense(ids, n_ids)


def dense(keys: npt.NDArray[np.int64], n_keys: int) -> tuple[npt.NDArray[np.int64], int]:
    """Keys below n_keys as 0 to n-1 without gaps: by a table where it is small, else by hashing; never by sorting."""
    import numpy as np
    import pyarrow as pa

    if n_keys <= TABLE_PER_ROW * len(keys):
        used = np.zeros(n_keys, dtype=np.bool_)
        used[keys] = True
        return (np.cumsum(used) - 1)[keys], int(used.sum())
    words = pa.array(keys).dictionary_encode()
    return words.indices.to_numpy().astype(np.int64), len(words.dictionary)


def at_least(k: int, name: str = "k") -> int:
    """k itself; raises InvalidConstraintError when it is no whole number of 1 or more."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InvalidConstraintError(f"{name} must be a whole number of 1 or more, not {k!r}")
    return k
