"""Vectors of numbers as integers mod 2^64 and back: a sum of integers is exact, and masks need a ring. No masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.federated.errors import UnusableVectorError
from ml.federated.masks import Words

Floats = NDArray[np.float64]
FRACTION_BITS = 24  # steps of 6e-8: less than what a float's sum over silos would lose


def encode(values: Floats, n_silos: int) -> Words:
    """Values (d,) as words. Raises UnusableVectorError for what is not finite or could leave 63 bits in a sum."""
    scaled = np.rint(np.ldexp(values, FRACTION_BITS))
    if not np.isfinite(scaled).all():
        raise UnusableVectorError("a vector holds a value that is not finite; nothing was sent")
    if len(scaled) and np.abs(scaled).max() * n_silos >= 2.0**62:
        raise UnusableVectorError(f"a value is too large for an exact sum of {n_silos} silos; scale or clip the vector")
    return scaled.astype(np.int64).view(np.uint64)


def decode(words: Words) -> Floats:
    """The numbers that words stand for, negative ones included: (d,)."""
    return np.ldexp(words.view(np.int64).astype(np.float64), -FRACTION_BITS)
