"""Events per second of the simulator, JSON text included, on one core; and of writing them as JSON Lines.

Run: python benchmarks/simulator_throughput.py [N_EVENTS]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import pyarrow as pa

from collection.simulator import Canaries, SimulationSpec, simulate, write_jsonl


def measure(n_events: int, repeats: int = 3) -> dict[str, float]:
    """Best of the repeats, after one warm-up, with Arrow held to one thread."""
    pa.set_cpu_count(1)
    simulate(SimulationSpec(n_events=2000))
    simulating, writing = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(repeats):
            started = perf_counter()
            made = simulate(SimulationSpec(seed=seed, n_events=n_events, canaries=Canaries()))
            simulated = perf_counter()
            write_jsonl(made, Path(folder) / "log.jsonl")
            simulating.append(simulated - started)
            writing.append(perf_counter() - simulated)
    return {
        "n_events": n_events,
        "simulated_events_per_s": round(n_events / min(simulating)),
        "written_events_per_s": round(n_events / min(writing)),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
