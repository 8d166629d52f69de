"""Keyed ids of events: AES-CMAC (NIST SP 800-38B, RFC 4493) of the sender's id, computed for a column at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from privacy.pseudonyms import domain_key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Bytes = npt.NDArray[np.uint8]

BLOCK = 16  # bytes: the block of AES and the length of an id
MAX_GATHERED = 1 << 24  # bytes of padded messages that are held at once


def event_ids(key: bytes, sources: pa.DictionaryArray, ids: pa.Array) -> Bytes:
    """A 128-bit id per event, shape (n, 16). key: 32 bytes of one purpose; ids: strings, none of them null.

    Every source has a key of its own, so that the same id from two sources gives two ids.
    """
    import numpy as np
    import pyarrow as pa

    names = sources.dictionary.to_pylist()
    of_event = sources.indices.to_numpy()
    order = np.argsort(of_event, kind="stable")
    bounds = np.searchsorted(of_event[order], np.arange(len(names) + 1))
    made = np.empty((len(ids), BLOCK), dtype=np.uint8)
    for code, source in enumerate(names):
        at = order[bounds[code] : bounds[code + 1]]
        own = ids if len(at) == len(ids) else ids.take(pa.array(at))
        made[at] = cmac(domain_key(domain_key(key, "event"), source), own)
    return made


def cmac(key: bytes, texts: pa.Array) -> Bytes:
    """AES-256-CMAC of every text's UTF-8 bytes, shape (n, 16)."""
    import numpy as np
    import pyarrow as pa
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # CMAC chains single block encryptions itself, all rows side by side: ECB is that block cipher and nothing else.
    encrypt = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305
    whole, partial = _subkeys(encrypt(bytes(BLOCK)))
    texts = texts.cast(pa.large_string())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    made = np.empty((len(texts), BLOCK), dtype=np.uint8)
    for rows, n_blocks in _of_one_length(np.diff(offsets)):
        padded, is_whole = _padded(content, offsets, rows, n_blocks)
        padded[:, -BLOCK:] ^= partial
        padded[is_whole, -BLOCK:] ^= partial ^ whole
        state = np.ascontiguousarray(padded[:, :BLOCK])
        for start in range(BLOCK, n_blocks * BLOCK, BLOCK):
            state = np.frombuffer(encrypt(state.data), np.uint8).reshape(-1, BLOCK) ^ padded[:, start : start + BLOCK]
        made[rows] = np.frombuffer(encrypt(state.data), np.uint8).reshape(-1, BLOCK)
    return made


def _subkeys(zero: bytes) -> tuple[Bytes, Bytes]:
    """The two masks of the last block, RFC 4493 section 2.3: doubling in GF(2^128)."""
    import numpy as np

    made, value = [], int.from_bytes(zero, "big")
    for _ in range(2):
        value = (value << 1) ^ (0x87 if value >> 127 else 0)
        value &= (1 << 128) - 1
        made.append(np.frombuffer(value.to_bytes(BLOCK, "big"), np.uint8))
    return made[0], made[1]


def _of_one_length(lengths: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Rows whose messages have the same number of blocks, few enough at a time to be held padded."""
    import numpy as np

    n_blocks = np.maximum(-(-lengths // BLOCK), 1)
    order = np.argsort(n_blocks, kind="stable")
    found, starts = np.unique(n_blocks[order], return_index=True)
    for size, rows in zip(found.tolist(), np.split(order, starts)[1:], strict=True):
        step = max(MAX_GATHERED // (size * BLOCK), 1)
        for start in range(0, len(rows), step):
            yield rows[start : start + step], size


def _padded(
    content: Bytes, offsets: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], n_blocks: int
) -> tuple[Bytes, npt.NDArray[np.bool_]]:
    """The rows' bytes as blocks, the last one filled up with a one bit and zeros, and which rows needed no filling."""
    import numpy as np

    width = n_blocks * BLOCK
    length = offsets[rows + 1] - offsets[rows]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(content, (0, width)), width)
    padded = windows[offsets[rows]]
    padded *= np.arange(width) < length[:, None]
    is_whole = length == width
    short = np.flatnonzero(~is_whole)
    padded[short, length[short]] = 0x80
    return padded, is_whole


def hexadecimal(ids: Bytes) -> pa.Array:
    """The ids as strings of 32 hexadecimal digits."""
    import numpy as np
    import pyarrow as pa

    digits = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)
    text = np.ascontiguousarray(digits[ids])
    offsets = np.arange(len(ids) + 1, dtype=np.int32) * (2 * BLOCK)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(text))


def order_by_day_and_id(days: npt.NDArray[np.int32], ids: Bytes) -> npt.NDArray[np.int64]:
    """Positions sorted by day, then id. The first half of the ids decides nearly always."""
    import numpy as np

    first, second = (
        np.ascontiguousarray(half).view(">u8").ravel().astype(np.uint64) for half in np.split(ids, 2, axis=1)
    )
    if len(ids) == 0 or days.min() == days.max():
        order = np.argsort(first)
        tied = first[order[1:]] == first[order[:-1]]
    else:
        order = np.lexsort((first, days))
        tied = (first[order[1:]] == first[order[:-1]]) & (days[order[1:]] == days[order[:-1]])
    return np.lexsort((second, first, days)) if tied.any() else order
