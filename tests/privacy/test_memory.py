"""Memory that batches free stays with the process, where the C library can; what does not fit goes to no file."""

from __future__ import annotations

import platform
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest

from privacy import engine

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


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_does_not_fit_into_memory_is_refused_and_written_nowhere(
    is_ours: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB by itself writes rows below the working directory: there no erasure looks."""
    monkeypatch.chdir(tmp_path)
    words = "create table words as select repeat(md5(i::text), 8) as word from range(300000) as r (i)"
    with engine._connect() if is_ours else duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set memory_limit = '50MB'")
        with pytest.raises(duckdb.OutOfMemoryException) if is_ours else nullcontext():
            connection.execute(words)
        assert bool(list(tmp_path.rglob("*.tmp"))) != is_ours
