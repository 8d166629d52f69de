"""False alarms of drift over A/A replays with a weekly season, and what is found of a real shift; a peer beside it.

python -m benchmarks.drift [--replays 500] [--peer-python PATH] [--json]

A replay: windows of one day with n rows of 20 features that move with the weekday and from day to day. 28 days are the
reference, day 29 is judged. In an A/A replay day 29 is a day like the others; else one of the three most important
features is shifted by half a standard deviation. Counts per bin are drawn, not rows: a million rows cost what 50 do.
The peer (Evidently's defaults) is given rows of the same features, at sizes that rows allow.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.drift_windows import N_DAYS, N_FEATURES, SEED, bin_shares, day_means, season
from quality.drift import DriftPolicy, Season, bins_for, report_of_counts

SIZES = (50, 200, 1_000, 10_000, 100_000, 1_000_000)
PEER_SIZES = (50, 200, 1_000)
SHIFT = 0.5


def replay(n_rows: int, shift: float, generator: np.random.Generator, policy: DriftPolicy) -> bool | None:
    """Whether the last day raises an alarm; None where there are too few rows for a verdict."""
    from scipy.stats import norm

    if n_rows < policy.min_rows:
        return None
    start = int(generator.integers(7))
    means = day_means(season(generator), np.arange(start, start + N_DAYS + 1), generator)
    means[-1, generator.integers(3)] += shift * generator.choice([-1, 1])
    edges = norm.ppf(np.linspace(0, 1, bins_for(n_rows, policy) + 1)[1:-1])
    counts = generator.multinomial(n_rows, bin_shares(means, edges))
    windows = counts.astype(np.float64)
    importance = np.arange(N_FEATURES, 0, -1) / (N_FEATURES * (N_FEATURES + 1) / 2)
    names = [f"feature_{number}" for number in range(N_FEATURES)]
    return report_of_counts(
        {name: (windows[:-1, at], windows[-1, at]) for at, name in enumerate(names)},
        Season(np.arange(N_DAYS) % 7, N_DAYS % 7), dict(zip(names, importance.tolist(), strict=True)), policy,
    ).alarm  # fmt: skip


def share_of_alarms(n_rows: int, shift: float, replays: int, policy: DriftPolicy) -> float | None:
    """The share of replays with an alarm; None where none has a verdict."""
    generator = np.random.default_rng([SEED, n_rows, int(shift * 10)])
    found = [replay(n_rows, shift, generator, policy) for _ in range(replays)]
    judged = [alarm for alarm in found if alarm is not None]
    return float(np.mean(judged)) if judged else None


def peer(python: str | None, replays: int) -> dict[int, float] | str:
    """The share of A/A replays in which Evidently's defaults call any column drifted, or why there is no figure."""
    if python is None:
        return "peer skipped: no --peer-python PATH of an environment with evidently was given"
    script = Path(__file__).with_name("drift_peer.py")
    command = [python, str(script), str(replays), *(str(size) for size in PEER_SIZES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"peer skipped: {python} failed: {done.stderr.strip().splitlines()[-1:]}"
    return {int(size): share for size, share in json.loads(done.stdout.splitlines()[-1]).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replays", type=int, default=500)
    parser.add_argument("--peer-replays", type=int, default=40)
    parser.add_argument("--peer-python", help="interpreter of an environment with evidently")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    policy = DriftPolicy()
    alarms = {size: share_of_alarms(size, 0.0, options.replays, policy) for size in SIZES}
    found = {size: share_of_alarms(size, SHIFT, options.replays, policy) for size in SIZES}
    beside = peer(options.peer_python, options.peer_replays)
    if options.json:
        print(json.dumps({"false_alarms": alarms, "found": found, "peer": beside}))
        return
    for size in SIZES:
        theirs = beside.get(size) if isinstance(beside, dict) else None
        print(f"n {size:9,d}  false alarms {_share(alarms[size])} (bar .05)  found {_share(found[size])} (bar .95)  "
              f"peer, any column {_share(theirs)}")  # fmt: skip
    if isinstance(beside, str):
        print(beside)


def _share(value: float | None) -> str:
    return "no verdict" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
