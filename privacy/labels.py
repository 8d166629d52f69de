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


def cleaned(column: pa.ChunkedArray | pa.Array, *, nullable: bool) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """The column with unsafe labels replaced (null where it may be, else 'unlabelled'), and which rows had one."""
    import numpy as np
    import pyarrow as pa

    encoded = one(column).dictionary_encode()
    words = encoded.dictionary.to_pylist()
    safe = [is_safe(word) for word in words]
    dictionary = pa.array(
        [w if ok else (None if nullable else UNLABELLED) for w, ok in zip(words, safe, strict=True)], pa.string()
    )
    at = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    labels = dictionary.take(encoded.indices)
    unsafe = ~np.array([*safe, True])[at]
    return labels if nullable else labels.fill_null(UNLABELLED), unsafe
