"""Federated training: milliseconds of a silo's part in a round, and AUC beside central and local-only training.

python -m benchmarks.federated [--home NAME=DIR ...] [--peer-python PATH]     # an environment with flwr[simulation]

Rounds: 10 silos, 100,000 parameters, two of them leaving after they agreed on masks. AUC: the features of homes that
`lethe run` filled; without --home, a simulated log and, where the third-party data is, commits of real projects, whose
authors' organisations are the silos. Noise: rows made here, 3,000 people in 10 silos.
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.running import others_data
from ml import evaluation
from ml.federated import local, masks
from ml.federated.aggregation import secure_sum
from ml.federated.comparison import plain_auc
from ml.federated.errors import FederatedError
from ml.federated.fixed_point import decode, encode
from ml.federated.member import Member
from ml.federated.messages import Opening, Revealed, Round, usual_threshold
from ml.federated.model import LinearModel
from ml.federated.training import Plan
from ml.training_sets import TrainingSet
from warehouse.embedded import EmbeddedServer
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
N_SILOS, N_PARAMETERS, N_LEAVING, N_ROUNDS = 10, 100_000, 2, 9
FLOWER_ROUNDS = 10
MODELS = "+exposure:churn_model +ftr_customer_purchases"
T = TypeVar("T")


class Timed:
    """A silo with a stopwatch around everything it does itself; one that leaves does so before it sends its vector."""

    def __init__(self, member: Member, *, leaves: bool) -> None:
        self.seconds = self.cpu_seconds = 0.0
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
        began, worked = time.perf_counter(), time.thread_time()
        found = act()
        self.seconds += time.perf_counter() - began
        self.cpu_seconds += time.thread_time() - worked
        return found


@dataclass(frozen=True, slots=True)
class Round_:
    """Milliseconds of a silo that stays (mean of the round), by the clock and its core's; the server's; the error."""

    silo_ms: float
    silo_cpu_ms: float
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
        began = time.perf_counter()
        done = secure_sum(silos, Round(training, number, n_parameters, usual_threshold(n_silos)), None)
        whole = time.perf_counter() - began
        own = [silo for n, silo in silos.items() if n > n_leaving]
        clock = 1e3 * statistics.fmean(silo.seconds for silo in own)
        cpu = 1e3 * statistics.fmean(silo.cpu_seconds for silo in own)
        server = 1e3 * (whole - sum(silo.seconds for silo in silos.values()))
        found.append(Round_(clock, cpu, server, float(np.abs(decode(done.total) - expected).max())))
    names = ("silo_ms", "silo_cpu_ms", "server_ms", "error")
    return Round_(*(statistics.median(getattr(r, name) for r in found) for name in names))


def training_set(home: Path) -> TrainingSet:
    """The training set of a home's features as they are; nothing is stored."""
    from ml.training_sets import TrainingPolicy, fetch_frame, freeze
    from orchestration import intake, training
    from orchestration.platform import Platform

    platform = Platform.open(Settings.load(home))
    policy = TrainingPolicy(**intake.training_policy(platform))
    with platform.database.connect("ml") as conn:
        return freeze(fetch_frame(conn, policy), policy, training.provenance(platform))


def trained(built: TrainingSet) -> dict[str, Any]:
    """Figures of federated training, by averaged updates and by averaged gradients."""
    from ml.federated.federation import federate
    from ml.journal import Journal

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as logs, Journal(Path(logs), now=lambda: datetime.now(UTC)) as journal:
        for method in ("update", "gradient"):
            began = time.perf_counter()
            done = federate(
                built, Plan(built.columns, method), journal, entropy=secrets.token_bytes, progress=lambda _: None
            )
            found[method] = asdict(done.comparison) | {"seconds": time.perf_counter() - began}
            found |= {"silos": done.n_silos, "rows": done.n_rows, "left_out": done.n_left_out}
    return found


def noisy() -> dict[str, float]:
    """AUC on other people's rows with privacy for each person (epsilon 3, delta 1e-6), and without noise."""
    from ml.federated import silos, training
    from ml.federated.protection import Protection
    from orchestration.federated import drawing
    from privacy.budget.accounting import rho_of

    held, later = people(3_300)
    protection, columns = Protection("person", 1.0), tuple(f"feature {i}" for i in range(held[1].features.shape[1]))
    found = {}
    for name, wish in (("plain", None), ("epsilon_3", protection)):
        plan = Plan(columns, "gradient", protection=wish)
        noise = drawing(plan, protection, usual_threshold(len(held)), rho_of(3.0, 1e-6)) if wish else None
        members = silos.members(held, secrets.token_bytes, wish, noise)
        model = training.train(members, plan, secrets.token_bytes(16)).model
        found[name] = evaluation.plain_auc(later.labels == 1, model.probabilities(later.features))
    return found


def people(n: int, n_rows: int = 6, n_silos: int = 10) -> tuple[dict[int, local.Rows], local.Rows]:
    """Rows of people in silos that differ, by number, and those of every eleventh person, in no silo."""
    random = np.random.default_rng(7)
    person = np.repeat(np.arange(n), n_rows)
    engagement = random.normal(size=n)[person] + 0.1 * (person % n_silos) + 0.5 * random.normal(size=len(person))
    recency, events = random.exponential(np.exp(2 - engagement)), random.poisson(np.exp(1.5 + engagement))
    features = np.column_stack([recency, events, random.lognormal(size=(len(person), 5))]).astype(np.float64)
    logit = -0.4 + 0.9 * np.log1p(recency) - 0.6 * np.log1p(events)
    labels = (random.random(len(person)) < 1 / (1 + np.exp(-logit))).astype(np.float64)
    later = person % 11 == 0
    masks_of = {s + 1: (person % n_silos == s) & ~later for s in range(n_silos)}
    held = {s: local.Rows(features[mask], labels[mask], person[mask]) for s, mask in masks_of.items()}
    return held, local.Rows(features[later], labels[later], person[later])


def homes(named: list[str]) -> dict[str, Path]:
    """Homes by name: those given, or new ones that `lethe run` fills."""
    if named:
        return {name: Path(folder) for name, folder in (pair.split("=", 1) for pair in named)}
    log = others_data() / "git_activity/git_activity.jsonl.gz"
    mapping = ROOT / "examples" / "git_activity" / "mapping.yaml"
    wishes = {"simulated": ["--events", "100000"]}
    if log.exists():
        wishes["git_activity"] = [str(log), "--mapping", str(mapping)]
    found = {}
    for name, arguments in wishes.items():
        found[name] = Path(tempfile.mkdtemp(prefix="lethe-bench-")).resolve()
        command = [str(Path(sys.executable).with_name("lethe")), "run", *arguments, "--home", str(found[name])]
        environment = Settings.load(found[name]).environment(LETHE_DBT_SELECT=MODELS)
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode not in (0, 3):  # 3: a gate refused a model; the features are there
            raise SystemExit(f"lethe run failed with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return found


def flower(python: str | None, built: TrainingSet) -> dict[str, Any]:
    """AUC and seconds of the same plan through the Flower adapter, in its own environment, or why there are none."""
    from ml.federated import training
    from ml.federated.federation import silos_of
    from ml.measurement import later_rows

    if python is None:
        return {"why": "no --peer-python PATH of an environment with flwr[simulation] was given"}
    held = dict(enumerate(silos_of(built).values()))
    total = sum(local.statistics(rows).sum(axis=0) for rows in held.values())
    model, n = training.scaled(built.columns, np.asarray(total))
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as name:
        folder = Path(name)
        (folder / "plan.json").write_text(json.dumps(flower_plan(model, n, len(held))))
        for number, rows in held.items():
            np.savez(folder / f"silo-{number}.npz", features=rows.features, labels=rows.labels, people=rows.people)
        environment = Settings.load().environment(FLWR_TELEMETRY_ENABLED="0", RAY_USAGE_STATS_ENABLED="0")
        command = [python, str(Path(__file__).with_name("flower_adapter.py")), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        return {"why": f"failed: {done.stderr.strip().splitlines()[-1:]}"}
    found = json.loads(done.stdout.strip().splitlines()[-1])
    later = later_rows(built)
    values = later.features[list(built.columns)].to_numpy(np.float64)
    moved = LinearModel(model.columns, model.center, model.scale, np.array(found["weights"]))
    return {"auc": plain_auc(later, moved.probabilities(values)), "seconds": found["seconds"], "rounds": FLOWER_ROUNDS}


def flower_plan(model: LinearModel, n: float, n_silos: int) -> dict[str, Any]:
    """What the adapter reads: our plan, with fewer rounds."""
    plan = Plan(model.columns)
    return {
        "columns": list(model.columns), "center": model.center.tolist(), "scale": model.scale.tolist(),
        "weights": model.weights.tolist(), "steps": plan.steps, "rate": plan.rate, "server_rate": plan.server_rate,
        "l2": plan.l2 / n, "rounds": FLOWER_ROUNDS, "silos": n_silos,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", nargs="*", default=[], metavar="NAME=DIR", help="homes that hold features")
    parser.add_argument("--peer-python", help="interpreter of an environment with flwr")
    options = parser.parse_args()
    small, large = rounds(N_SILOS, N_PARAMETERS, N_LEAVING), rounds(50, N_PARAMETERS, 3)
    print(f"10 silos: {small}\n50 silos: {large}")
    found: dict[str, Any] = {"ten": asdict(small), "fifty": asdict(large), "noise": noisy(), "auc": {}}
    print(f"noise: {found['noise']}")
    filled = homes(options.home)
    try:
        for name, home in filled.items():
            built = training_set(home)
            found["auc"][name] = trained(built)
            print(name, json.dumps(found["auc"][name]))
            found.setdefault("flower", flower(options.peer_python, built))
    finally:
        for home in filled.values() if not options.home else ():
            EmbeddedServer.of(home).destroy()
            shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
