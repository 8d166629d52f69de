"""Keyed ids of events: AES-CMAC (NIST SP 800-38B, RFC 4493) of the sender's id, computed for a column at once. Pure."""

from __future__ import annotations

from binascii import hexlify
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
    if len(names) == 1:
        return cmac(domain_key(domain_key(key, "event"), names[0]), ids)
    of_event = sources.indices.to_numpy()
    order = np.argsort(of_event, kind="stable")
    bounds = np.searchsorted(of_event[order], np.arange(len(names) + 1))
    made = np.empty((len(ids), BLOCK), dtype=np.uint8)
    for code, source in enumerate(names):
        at = order[bounds[code] : bounds[code + 1]]
        items(made)[at] = items(cmac(domain_key(domain_key(key, "event"), source), ids.take(pa.array(at))))
    return made


def items(blocks: Bytes) -> npt.NDArray[np.void]:
    """Rows of 16 bytes as one item each: numpy gathers items ten times as fast as the rows of a matrix."""
    return blocks.view(f"V{BLOCK}").ravel()


def cmac(key: bytes, texts: pa.Array) -> Bytes:
    """AES-256-CMAC of every text's UTF-8 bytes, shape (n, 16)."""
    import numpy as np
    import pyarrow as pa
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    # CMAC chains single block encryptions itself, all rows side by side: ECB is that block cipher and nothing else.
    encrypt = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305
    keep, change = _endings(*_subkeys(encrypt(bytes(BLOCK))))
    texts = texts.cast(pa.large_string())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    lengths = np.diff(offsets)
    made = np.empty((len(texts), BLOCK), dtype=np.uint8)
    for rows, n_blocks in _of_one_length(lengths):
        blocks = _gathered(content, offsets[rows], n_blocks)
        ending = lengths[rows] - (n_blocks - 1) * BLOCK
        blocks[:, -1] &= keep.take(ending, axis=0)
        blocks[:, -1] ^= change.take(ending, axis=0)
        state = np.ascontiguousarray(blocks[:, 0])
        for number in range(1, n_blocks):
            state = np.frombuffer(encrypt(state.view(np.uint8).data), np.uint64).reshape(-1, 2) ^ blocks[:, number]
        items(made)[rows] = np.frombuffer(encrypt(state.view(np.uint8).data), f"V{BLOCK}")
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


def _endings(whole: Bytes, partial: Bytes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """What keeps and what changes a last block, by how many of its bytes are the message's; each of shape (17, 2)."""
    import numpy as np

    n_own = np.arange(BLOCK + 1)[:, None]
    keep = np.where(np.arange(BLOCK) < n_own, 0xFF, 0).astype(np.uint8)
    change = np.where(n_own == BLOCK, whole, partial) ^ np.where(np.arange(BLOCK) == n_own, 0x80, 0).astype(np.uint8)
    return keep.view(np.uint64), change.view(np.uint64)


def _of_one_length(lengths: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Rows whose messages have the same number of blocks, few enough at a time to be held padded."""
    import numpy as np

    n_blocks = np.maximum(-(-lengths // BLOCK), 1)
    for size in np.flatnonzero(np.bincount(n_blocks)).tolist():
        rows = np.flatnonzero(n_blocks == size)
        step = max(MAX_GATHERED // (size * BLOCK), 1)
        for start in range(0, len(rows), step):
            yield rows[start : start + step], size


def _gathered(content: Bytes, starts: npt.NDArray[np.int64], n_blocks: int) -> npt.NDArray[np.uint64]:
    """The blocks that begin at some bytes, shape (n, n_blocks, 2); what follows a message in the last one is noise."""
    import numpy as np

    width = n_blocks * BLOCK
    windows = np.ndarray((len(content) + 1,), f"V{width}", np.pad(content, (0, width)).data, strides=(1,))
    return windows[starts].view(np.uint64).reshape(-1, n_blocks, 2)


def hexadecimal(ids: Bytes) -> pa.Array:
    """The ids as strings of 32 hexadecimal digits."""
    import numpy as np
    import pyarrow as pa

    offsets = np.arange(len(ids) + 1, dtype=np.int32) * (2 * BLOCK)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(hexlify(ids.data)))


def order_by_day_and_id(days: npt.NDArray[np.int32], ids: Bytes) -> npt.NDArray[np.int64]:
    """Positions sorted by day, then id. Radix sort over the first 48 bits of the ids, which decide nearly always."""
    import numpy as np

    since = days.astype(np.int64) - days.min(initial=0)
    digits = [*(ids.view(">u2")[:, place] for place in (2, 1, 0)), since & 0xFFFF, since >> 16 & 0xFFFF]
    order, tied = np.arange(len(ids)), np.ones(max(len(ids) - 1, 0), dtype=np.bool_)
    used = [digit.astype(np.uint16) for digit in digits if digit.any()]
    for digit in used:
        order = order[np.argsort(digit[order], kind="stable")]  # numpy sorts 16 bits in two passes
    for digit in used:
        ordered = digit[order]
        tied &= ordered[1:] == ordered[:-1]
    first, second = (ids.view(">u8")[:, half] for half in (0, 1))
    return np.lexsort((second, first, days)) if tied.any() else order
