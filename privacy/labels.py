"""The four label columns of an event: only short plain words pass, since senders may put anything there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from privacy.arrays import one

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

COLUMNS = ("event_type", "event_source", "component", "action")
SAFE = re.compile(r"[\w .:/@-]{1,120}")
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
IP_ADDRESS = re.compile(r"\d+(\.\d+){3}|(?<![0-9a-z])[0-9a-f]{1,4}:([0-9a-f]{0,4}:){2}", re.IGNORECASE)
MAX_DIGITS = 4  # http_404 and api/v2 are words; account, card and telephone numbers and hexadecimal ids have more
UNLABELLED = "unlabelled"


def is_safe(text: str) -> bool:
    return SAFE.fullmatch(text) is not None and not is_telling(text)


def is_telling(text: str) -> bool:
    """Whether a word looks like an address, a number or an id of somebody. A name looks like any word."""
    n_digits = sum(character.isdigit() for character in text)
    return n_digits > MAX_DIGITS or EMAIL.search(text) is not None or IP_ADDRESS.search(text) is not None


def cleaned(column: pa.ChunkedArray | pa.Array, *, nullable: bool) -> tuple[pa.DictionaryArray, npt.NDArray[np.bool_]]:
    """The column with unsafe labels replaced (null where it may be, else 'unlabelled'), and which rows had one.

    The column comes back dictionary-encoded, every word once.
    """
    import numpy as np
    import pyarrow as pa

    encoded = one(column).dictionary_encode()
    words = encoded.dictionary.to_pylist()
    safe = [is_safe(word) for word in words]
    if all(safe) and (nullable or encoded.null_count == 0):
        return encoded, np.zeros(len(encoded), dtype=np.bool_)
    otherwise = None if nullable else UNLABELLED
    shown = pa.array([*(w if ok else otherwise for w, ok in zip(words, safe, strict=True)), otherwise], pa.string())
    shown = shown.dictionary_encode()  # two unsafe words become one
    at = encoded.indices.fill_null(len(words))
    unsafe = ~np.array([*safe, True])[at.to_numpy()]
    return pa.DictionaryArray.from_arrays(shown.indices.take(at), shown.dictionary), unsafe
