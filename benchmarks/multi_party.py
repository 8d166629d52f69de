"""Seconds of sums, means and histograms over three organisations: three processes over mutual TLS on loopback.

python -m benchmarks.multi_party [--peer-python PATH]     # an environment with mpyc

Seconds are of the slowest party from its values to its result: connecting, certificates, sharing, opening, comparing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from privacy.multi_party.computation import HISTOGRAM, MEAN, SUM, Computation, Party
from privacy.multi_party.rehearsal import Rehearsed, rehearse

NAMES = ("north", "south", "west")
PARTIES = tuple(Party(name, "127.0.0.1", 7001 + i) for i, name in enumerate(NAMES))
LENGTH, PEER_LENGTH, REPEATS = 1_000_000, 20_000, 3
BAR_SECONDS = 2.0


def measured(computation: Computation, values: dict[str, Any]) -> Rehearsed:
    """The run with the median seconds of several."""
    runs = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
            runs.append(rehearse(computation.checked(), values, Path(folder)))
    return sorted(runs, key=lambda run: run.seconds)[REPEATS // 2]


def sums(length: int) -> tuple[Rehearsed, float]:
    """A vector sum, and its largest error against numpy."""
    random = np.random.default_rng(0)
    values = {name: np.round(random.normal(size=length) * 100, 2) for name in NAMES}
    found = measured(Computation("benchmark", SUM, PARTIES, length=length, largest=1e6), values)
    return found, float(np.abs(np.array(found.result.values) - sum(values.values())).max())


def small() -> dict[str, float]:
    """Seconds of a mean and of a histogram of 100 bins over 10,000 values each."""
    random = np.random.default_rng(1)
    values = {name: np.round(random.lognormal(3, 1, 10_000), 2) for name in NAMES}
    edges = tuple(float(edge) for edge in np.linspace(1, 200, 99))
    mean = measured(Computation("benchmark", MEAN, PARTIES), values)
    histogram = measured(Computation("benchmark", HISTOGRAM, PARTIES, edges=edges), values)
    assert histogram.result.n == 30_000
    return {"mean_seconds": mean.seconds, "histogram_seconds": histogram.seconds}


def peer(python: str | None) -> dict[str, Any]:
    """mpyc's seconds for a shorter vector sum, or why there are none."""
    if python is None:
        return {"why": "no --peer-python PATH of an environment with mpyc was given"}
    script = Path(__file__).with_name("mpyc_peer.py")
    command = [python, str(script), "-M3", "--no-log", str(PEER_LENGTH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"why": f"failed: {done.stderr.strip().splitlines()[-1:]}"}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="interpreter of an environment with mpyc")
    options = parser.parse_args()
    million, error = sums(LENGTH)
    print(
        f"sum of {LENGTH:,} numbers, three parties: {million.seconds:.2f} s by the clock (bar {BAR_SECONDS:g}), "
        f"{million.cpu_seconds:.2f} s of processors, largest error {error:.1e}"
    )
    short, _ = sums(PEER_LENGTH)
    found = {
        "million_seconds": million.seconds, "million_cpu_seconds": million.cpu_seconds, "error": error,
        "short_seconds": short.seconds, **small(), "mpyc": peer(options.peer_python),
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()
