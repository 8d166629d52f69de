"""Memory that batches free stays with the process, and this is a setting that may be missing, not a condition."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

ASK_FREE_ASK = """
import ctypes, resource, sys
from privacy.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
size = 20 << 20
def batch():
    buffers = [libc.malloc(size) for _ in range(3)]
    for at in buffers:
        ctypes.memset(at, 1, size)
    for at in reversed(buffers):
        libc.free(at)
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library here has no mallopt")
def test_a_freed_buffer_is_not_zeroed_again_by_the_kernel() -> None:
    n_default, n_kept = _page_faults("default"), _page_faults("kept")
    assert n_kept * 10 < n_default


def _page_faults(mode: str) -> int:
    done = subprocess.run([sys.executable, "-c", ASK_FREE_ASK, mode], capture_output=True, text=True, check=True)
    return int(done.stdout)
