"""Keeps the memory of one batch for the next. A setting of the C library for the whole process, nothing else."""

from __future__ import annotations

import ctypes
from functools import cache

# malloc.h of the GNU C library; the threshold is the largest that its documentation allows.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
OWN_MAPPING_BYTES = 32 << 20
KEPT_BYTES = 1 << 30


@cache
def keep_freed_memory() -> bool:
    """Let malloc keep up to KEPT_BYTES of what is freed; False where the C library has no such setting.

    Every batch frees the buffers that the next one asks for. By default they go back to the kernel in between, and
    having their pages zeroed again took a tenth of the transform's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES) and mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))
