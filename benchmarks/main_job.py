"""Seconds and peak memory of the main job as a person runs it: `lethe run` in a new home, server included.

python -m benchmarks.main_job [FILE MAPPING]     # without a file: the simulator, as `make run`

Memory is the sum of the proportional set size of the command, its children and the home's PostgreSQL: shared pages
are counted once.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from warehouse.embedded import EmbeddedServer

SAMPLE_SECONDS = 0.5


def measure(arguments: list[str]) -> dict[str, object]:
    """Run `lethe run ARGUMENTS --json` and return seconds, peak MB and the run's own summary."""
    home = Path(tempfile.mkdtemp(prefix="lethe-bench-")).resolve()
    command = [str(Path(sys.executable).with_name("lethe")), "run", *arguments, "--home", str(home), "--json"]
    try:
        started = time.perf_counter()
        with tempfile.TemporaryFile("w+") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            peaks: list[float] = []
            watcher = threading.Thread(target=_watch, args=(process.pid, home, peaks), daemon=True)
            watcher.start()
            code = process.wait()
            seconds = time.perf_counter() - started
            out.seek(0)
            summary = json.loads(out.read().strip().splitlines()[-1])
        again = time.perf_counter()
        subprocess.run(command, check=False, capture_output=True)
        return {
            "exit_code": code,
            "seconds": round(seconds, 1),
            "second_run_seconds": round(time.perf_counter() - again, 1),
            "peak_mb": round(max(peaks)),
            "stages": summary["seconds"],
            "events": summary["events"],
            "auc": (summary["model"] or {"metrics": {}})["metrics"].get("auc_roc"),
        }
    finally:
        EmbeddedServer.of(home).destroy()
        shutil.rmtree(home, ignore_errors=True)


def _watch(pid: int, home: Path, peaks: list[float]) -> None:
    peaks.append(0.0)
    while psutil.pid_exists(pid):
        peaks.append(sum(_megabytes(process) for process in _tree(pid, home)))
        time.sleep(SAMPLE_SECONDS)


def _tree(pid: int, home: Path) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        found = [process, *process.children(recursive=True)]
        port = (home / "postgres.port").read_text() if (home / "postgres.port").exists() else None
        for other in psutil.process_iter(["cmdline"]):
            words = other.info["cmdline"] or []
            if port and "-p" in words and port in words and "bin/postgres" in words[0]:
                found += [other, *other.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    return found


def _megabytes(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0


if __name__ == "__main__":
    file = sys.argv[1:2]
    print(json.dumps(measure([*file, *(["--mapping", sys.argv[2]] if file else [])])))
