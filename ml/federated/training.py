"""Federated training: rounds of secure sums, and what the server makes of each. It sees sums over silos only.

FedAvg: McMahan et al. 2017 (AISTATS, arXiv 1602.05629), with server-side Adam (Reddi et al. 2021, arXiv 2003.00295).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ml.federated import local
from ml.federated.aggregation import Aggregate, secure_sum
from ml.federated.errors import FederatedInputError
from ml.federated.fixed_point import decode
from ml.federated.local import GRADIENT, STATISTICS, UPDATE, Task
from ml.federated.messages import Participant, Round, usual_threshold
from ml.federated.model import LARGEST, Floats, LinearModel
from ml.federated.protection import Protection

LEAST_SCALE = 1e-3
Report = Callable[[int, Aggregate], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What all silos agree on before the first round. method: UPDATE (FedAvg) or GRADIENT (gradient averaging).

    l2: the penalty of the sum over all rows, as 1 / C of the churn ladder's logistic rung.
    """

    columns: tuple[str, ...]
    method: str = UPDATE
    rounds: int = 30
    steps: int = 5
    rate: float = 0.5
    server_rate: float = 0.1
    l2: float = 10.0
    threshold: int | None = None
    protection: Protection | None = None

    def __post_init__(self) -> None:
        if self.method not in (UPDATE, GRADIENT):
            raise FederatedInputError(f"silos average {UPDATE}s or {GRADIENT}s, not {self.method!r}")
        if not self.columns or self.rounds < 1 or self.steps < 1:
            raise FederatedInputError("a plan needs features, and at least one round and one local step")
        if self.protection is not None and self.protection.unit == "person" and self.method == UPDATE:
            raise FederatedInputError("privacy for a person needs gradients: local steps cannot be clipped by person")


@dataclass(frozen=True, slots=True)
class Trained:
    """The model, how many rows (or people, or silos, under noise) it is said to be from, and who left in each round."""

    model: LinearModel
    n: float
    threshold: int
    gone: tuple[Mapping[int, str], ...]


@dataclass(slots=True)
class _Adam:
    """Kingma and Ba 2015, algorithm 1, for the server: steps of about `rate`, whatever the size of the average."""

    rate: float
    first: Floats
    second: Floats
    n: int = field(default=0)

    def step(self, slope: Floats, decay: float) -> Floats:
        """The step against a slope (k + 1,); decay shrinks it over the rounds."""
        self.n += 1
        self.first = 0.9 * self.first + 0.1 * slope
        self.second = 0.99 * self.second + 0.01 * slope**2
        mean = self.first / (1 - 0.9**self.n)
        spread = np.sqrt(self.second / (1 - 0.99**self.n))
        return np.asarray(-self.rate * decay * mean / (spread + 1e-8), dtype=np.float64)


def train(silos: Mapping[int, Participant], plan: Plan, training: bytes, report: Report | None = None) -> Trained:
    """Train over silos by number. training: 16 bytes that no other training used.

    Raises TooFewSilosError when fewer than the threshold answer a round, and what secure_sum raises.
    """
    threshold = plan.threshold or usual_threshold(len(silos))
    gone: list[Mapping[int, str]] = []

    def ask(task: Task) -> Aggregate:
        found = secure_sum(silos, Round(training, len(gone), task.length, threshold), task)
        gone.append(found.gone)
        if report is not None:
            report(len(gone) - 1, found)
        return found

    zeros = np.zeros(len(plan.columns))
    first = ask(Task(STATISTICS, LinearModel(plan.columns, zeros, zeros + 1, np.append(zeros, 0.0))))
    model, n = scaled(plan.columns, decode(first.total))
    optimiser = _Adam(plan.server_rate, np.zeros(len(model.weights)), np.zeros(len(model.weights)))
    for number in range(plan.rounds):
        found = ask(Task(plan.method, model, plan.steps, plan.rate, plan.l2 / n))
        units = n * len(found.survivors) / len(first.survivors)
        slope = slope_of(plan, model, decode(found.total), units, plan.l2 / n)
        model = model.moved(optimiser.step(slope, 1 - number / plan.rounds))
    return Trained(model, n, threshold, tuple(gone))


def scaled(columns: tuple[str, ...], total: Floats) -> tuple[LinearModel, float]:
    """A blank model with centres and scales from the sum of statistics, and the number of rows (or units)."""
    n, k = max(1.0, total[0]), len(columns)
    missing, sums, squares = total[2 : 2 + k], total[2 + k : 2 + 2 * k], total[2 + 2 * k :]
    known = np.maximum(1.0, n - missing)
    center = np.clip(sums / known, -1, 1)
    spread = np.sqrt(np.maximum(0.0, squares / known - center**2))
    scale = np.where(spread * LARGEST < LEAST_SCALE, 1.0, spread * LARGEST)
    share = float(np.clip(total[1] / n, 1e-3, 1 - 1e-3))
    return LinearModel.blank(columns, center * LARGEST, scale, share), n


def slope_of(plan: Plan, model: LinearModel, total: Floats, units: float, l2: float) -> Floats:
    """The direction against which the server steps, (k + 1,), from the sum of a round."""
    n = max(1.0, units if plan.protection else total[0])
    mean = total[1:] / n
    if plan.method == UPDATE:
        return np.asarray(-mean, dtype=np.float64)
    return np.asarray(mean + np.append(np.full(len(mean) - 1, l2), 0.0) * model.weights, dtype=np.float64)


def local_only(rows: local.Rows, plan: Plan) -> LinearModel:
    """The model of one silo that trains alone by the same plan: what federation is compared with."""
    model, n = scaled(plan.columns, local.statistics(rows).sum(axis=0))
    optimiser = _Adam(plan.server_rate, np.zeros(len(model.weights)), np.zeros(len(model.weights)))
    for number in range(plan.rounds):
        total = local.plain_sum(Task(GRADIENT, model), rows)
        slope = total[1:] / n + np.append(np.full(len(plan.columns), plan.l2 / n), 0.0) * model.weights
        model = model.moved(optimiser.step(slope, 1 - number / plan.rounds))
    return model
