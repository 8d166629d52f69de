"""Evidently's defaults on A/A replays, in an environment of its own: the share in which any column is called drifted.

python drift_peer.py REPLAYS SIZE... prints one JSON object, size -> share.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from evidently import Report
from evidently.presets import DataDriftPreset

from benchmarks.drift_windows import SEED, rows_of_replay


def any_drifted(reference: np.ndarray, current: np.ndarray) -> bool:
    """Whether the preset counts at least one drifted column."""
    names = [f"f{i}" for i in range(reference.shape[1])]
    report = Report([DataDriftPreset()])
    found = report.run(pd.DataFrame(current, columns=names), pd.DataFrame(reference, columns=names)).dict()
    values = [metric["value"] for metric in found["metrics"]]
    return next(value["count"] for value in values if isinstance(value, dict) and "count" in value) > 0


replays, sizes = int(sys.argv[1]), [int(size) for size in sys.argv[2:]]
shares = {}
for size in sizes:
    generator = np.random.default_rng([SEED, size])
    shares[size] = float(np.mean([any_drifted(*rows_of_replay(size, generator)) for _ in range(replays)]))
print(json.dumps(shares))
