"""Arrow columns of bytes as one buffer and offsets, so that many values are read and written without a copy of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Bytes:
    """n values in one buffer (uint8): value i is data[starts[i]:ends[i]] where valid[i]; starts and ends are int64."""

    data: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    valid: np.ndarray

    def view(self) -> memoryview:
        return self.data.data

    def only(self, kept: np.ndarray) -> Bytes:
        """The same values, those not kept being null."""
        return replace(self, valid=self.valid & kept)

    def read(self, rows: np.ndarray, at: int, n: int) -> np.ndarray:
        """n bytes of each row from a place in it: shape (rows, n)."""
        import numpy as np

        found: np.ndarray = self.data[(self.starts[rows] + at)[:, None] + np.arange(n)]
        return found

    def write(self, rows: np.ndarray, at: int, values: np.ndarray) -> None:
        """Put values (rows, n) at a place in each row."""
        import numpy as np

        self.data[(self.starts[rows] + at)[:, None] + np.arange(values.shape[1])] = values


def bytes_of(values: pa.Array) -> Bytes:
    """The buffer and offsets of a binary or text column, without a copy."""
    import numpy as np
    import pyarrow as pa

    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    array = array.cast(pa.large_binary())
    _, offsets, data = array.buffers()
    n = len(array)
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + n + 1] if n else np.zeros(1, np.int64)
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
    return Bytes(np.frombuffer(data or b"", np.uint8), ends[:-1], ends[1:], valid)


def laid_out(values: Bytes, more: int) -> Bytes:
    """An unwritten buffer for values that are each `more` bytes longer; nulls stay null and take no room."""
    import numpy as np

    lengths = np.where(values.valid, values.ends - values.starts + more, 0)
    ends = np.cumsum(lengths, dtype=np.int64)
    return Bytes(np.empty(int(ends[-1]) if len(ends) else 0, np.uint8), ends - lengths, ends, values.valid)


def column_of(values: Bytes) -> pa.Array:
    """A large_binary column over the buffer of `laid_out`."""
    import numpy as np
    import pyarrow as pa

    offsets = np.concatenate([np.zeros(1, np.int64), values.ends])
    nulls = None if values.valid.all() else pa.array(values.valid).buffers()[1]
    buffers = [nulls, pa.py_buffer(offsets), pa.py_buffer(values.data)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(values.valid), buffers)


def encoded(subjects: pa.Array) -> tuple[list[str], np.ndarray]:
    """The distinct subjects, and the position of each row's among them. A row without a subject raises KeyError."""
    import numpy as np
    import pyarrow as pa

    array = subjects.combine_chunks() if isinstance(subjects, pa.ChunkedArray) else subjects
    if array.null_count:
        raise KeyError("a value has no subject: name the one under whose key it is to be sealed")
    coded = array.dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
