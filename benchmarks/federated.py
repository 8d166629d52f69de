"""Federated training: milliseconds of a silo's part in a round, and AUC beside central and local-only training.

python -m benchmarks.federated [--home NAME=DIR ...] [--peer-python PATH]

Rounds: 10 silos, 100,000 parameters, two of them leaving after they agreed on masks. AUC: the features of homes that
`lethe run` filled; without --home, a simulated log and, where the third-party data is, 54 real projects.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ml.federated import masks
from ml.federated.aggregation import secure_sum
from ml.federated.errors import FederatedError
from ml.federated.fixed_point import decode, encode
from ml.federated.member import Member
from ml.federated.messages import Opening, Revealed, Round, usual_threshold
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
N_SILOS, N_PARAMETERS, N_LEAVING, N_ROUNDS = 10, 100_000, 2, 9
BAR_MS, BAR_AUC = 10.0, 0.01
T = TypeVar("T")


class Timed:
    """A silo with a stopwatch around everything it does itself; one that leaves does so before it sends its vector."""

    def __init__(self, member: Member, *, leaves: bool) -> None:
        self.seconds = 0.0
        self._member = member
        self._leaves = leaves

    def open(self, round_: Round) -> Opening:
        return self._timed(lambda: self._member.open(round_))

    def share(self, openings: Mapping[int, Opening]) -> Mapping[int, bytes]:
        return self._timed(lambda: self._member.share(openings))

    def contribute(self, sealed: Mapping[int, bytes], task: Any) -> masks.Words:
        if self._leaves:
            raise FederatedError("left")
        return self._timed(lambda: self._member.contribute(sealed, task))

    def confirm(self, survivors: frozenset[int]) -> Mapping[int, bytes]:
        return self._timed(lambda: self._member.confirm(survivors))

    def reveal(self, confirmations: Mapping[int, bytes]) -> Revealed:
        return self._timed(lambda: self._member.reveal(confirmations))

    def _timed(self, act: Callable[[], T]) -> T:
        began = time.thread_time()
        found = act()
        self.seconds += time.thread_time() - began
        return found


@dataclass(frozen=True, slots=True)
class Round_:
    """Milliseconds of a silo that stays (mean of the round) and of the server, and the sum's error."""

    silo_ms: float
    server_ms: float
    error: float


def rounds(n_silos: int, n_parameters: int, n_leaving: int) -> Round_:
    """The medians over N_ROUNDS rounds; encoding as fixed point is part of a silo's time."""
    random = np.random.default_rng(0)
    vectors = {n: random.normal(size=n_parameters) for n in range(1, n_silos + 1)}
    keys = {n: masks.private_key(secrets.token_bytes(32)) for n in vectors}
    roster = {n: masks.public_bytes(key) for n, key in keys.items()}
    members = {
        n: Member(n, keys[n], roster, lambda _, n=n: encode(vectors[n], n_silos), secrets.token_bytes) for n in vectors
    }
    training, found = secrets.token_bytes(16), []
    expected = sum(vector for n, vector in vectors.items() if n > n_leaving)
    for number in range(N_ROUNDS):
        silos = {n: Timed(member, leaves=n <= n_leaving) for n, member in members.items()}
        began = time.thread_time()
        done = secure_sum(silos, Round(training, number, n_parameters, usual_threshold(n_silos)), None)
        whole = time.thread_time() - began
        own = [silo.seconds for n, silo in silos.items() if n > n_leaving]
        server = whole - sum(silo.seconds for silo in silos.values())
        error = float(np.abs(decode(done.total) - expected).max())
        found.append(Round_(1e3 * statistics.fmean(own), 1e3 * server, error))
    return Round_(
        statistics.median(r.silo_ms for r in found), statistics.median(r.server_ms for r in found),
        max(r.error for r in found),
    )  # fmt: skip


def trained(home: Path) -> dict[str, Any]:
    """Figures of federated training on the features of a home, by averaged updates and by averaged gradients."""
    from ml.federated.federation import federate
    from ml.federated.training import Plan
    from ml.training_sets import TrainingPolicy, fetch_frame, freeze
    from orchestration import intake, training
    from orchestration.platform import Platform

    platform = Platform.open(Settings.load(home))
    policy = TrainingPolicy(**intake.training_policy(platform))
    with platform.database.connect("ml") as conn:
        built = freeze(fetch_frame(conn, policy), policy, training.provenance(platform))
    found: dict[str, Any] = {}
    with platform.journal() as journal:
        for method in ("update", "gradient"):
            began = time.thread_time()
            done = federate(
                built, Plan(built.columns, method), journal, entropy=secrets.token_bytes, progress=lambda _: None
            )
            found[method] = asdict(done.comparison) | {"seconds": time.thread_time() - began}
            found |= {"silos": done.n_silos, "rows": done.n_rows, "left_out": done.n_left_out}
    return found


def homes(named: list[str]) -> dict[str, Path]:
    """Homes by name: those given, or new ones that `lethe run` fills."""
    if named:
        return {name: Path(folder) for name, folder in (pair.split("=", 1) for pair in named)}
    log = Path(Settings.load().shared_data or ROOT.parent / "shared" / "data") / "git_activity/git_activity.jsonl.gz"
    mapping = ROOT / "examples" / "git_activity" / "mapping.yaml"
    wishes = {"simulated": ["--events", "100000"]}
    if log.exists():
        wishes["git_activity"] = [str(log), "--mapping", str(mapping)]
    found = {}
    for name, arguments in wishes.items():
        found[name] = Path(tempfile.mkdtemp(prefix="lethe-bench-")).resolve()
        command = [str(Path(sys.executable).with_name("lethe")), "run", *arguments, "--home", str(found[name])]
        environment = Settings.load(found[name]).environment(LETHE_DBT_SELECT="+exposure:churn_model")
        subprocess.run(command, check=True, capture_output=True, env=environment)
    return found


def flower(python: str | None) -> dict[str, Any]:
    """The peer's figures from its own environment, or why there are none."""
    if python is None:
        return {"why": "no --peer-python PATH of an environment with flwr was given"}
    script = Path(__file__).with_name("flower_peer.py")
    done = subprocess.run([python, str(script)], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        return {"why": f"failed: {done.stderr.strip().splitlines()[-1:]}"}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", nargs="*", default=[], metavar="NAME=DIR", help="homes that hold features")
    parser.add_argument("--peer-python", help="interpreter of an environment with flwr")
    options = parser.parse_args()
    small, large = rounds(N_SILOS, N_PARAMETERS, N_LEAVING), rounds(50, N_PARAMETERS, 3)
    print(f"10 silos: {small}\n50 silos: {large}")
    found: dict[str, Any] = {"ten": asdict(small), "fifty": asdict(large), "auc": {}}
    filled = homes(options.home)
    try:
        for name, home in filled.items():
            found["auc"][name] = trained(home)
            print(name, json.dumps(found["auc"][name]))
    finally:
        for home in filled.values() if not options.home else ():
            EmbeddedServer.of(home).destroy()
            shutil.rmtree(home, ignore_errors=True)
    found["flower"] = flower(options.peer_python)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
