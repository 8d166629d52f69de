"""Which rows may hold a key that no rule names, told from the bytes without parsing. It never says no wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

BLOCK = 1 << 18  # bytes looked at together: small enough for the cache and for memory that is used again
COLON = 58
QUOTE = 34  # the quote and every kind of JSON white space are not above it


def rows_to_look_at(texts: pa.Array, n_known: npt.NDArray[np.int32] | None) -> npt.NDArray[np.int64]:
    """Rows that may hold an unknown key, or whose text is no object.

    texts: valid JSON; n_known: per row how many distinct known keys were found in it, None where nothing is known.
    In JSON (RFC 8259) a key's colon follows a quote or white space. Colons with such a byte before them are thus no
    fewer than the keys of a row; when they equal the known keys that were found, there is no other key.
    """
    import numpy as np
    import pyarrow as pa

    texts = texts.cast(pa.large_string())
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    plain = np.diff(offsets) == 2
    plain[plain] = content[offsets[:-1][plain]] == ord("{")  # {}
    if texts.null_count:
        plain |= texts.is_null().to_numpy(zero_copy_only=False)
    if plain.all():
        return np.zeros(0, dtype=np.int64)
    if n_known is not None:
        plain |= (n_known > 0) & (n_known == key_colons(content, offsets))
    return np.flatnonzero(~plain)


def key_colons(content: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Per row the colons that follow a byte up to the quote. content: all rows' bytes; offsets: n + 1 row bounds."""
    import numpy as np

    words = np.zeros(len(content) // 64 + 1, dtype="<u8")  # bit i of word w: byte 64 w + i of content is counted
    marks = words.view(np.uint8)
    for start in range(0, len(content), BLOCK):
        part = content[start : start + BLOCK]
        hits = part == COLON
        hits[1:] &= part[:-1] <= QUOTE
        hits[:1] &= content[max(start - 1, 0)] <= QUOTE
        marks[start // 8 : start // 8 + -(-len(part) // 8)] = np.packbits(hits, bitorder="little")
    before = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum(np.bitwise_count(words), out=before[1:])
    within = (np.uint64(1) << (offsets & 63).astype(np.uint64)) - np.uint64(1)
    counted = before[offsets >> 6] + np.bitwise_count(words[offsets >> 6] & within)
    n_colons: npt.NDArray[np.int64] = np.diff(counted)
    return n_colons
