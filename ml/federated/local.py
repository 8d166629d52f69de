"""What one silo computes from its own rows: the vectors that are added up under masks. No row leaves this module."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.federated.errors import FederatedInputError, UnusableVectorError
from ml.federated.fixed_point import FRACTION_BITS, encode
from ml.federated.masks import Words
from ml.federated.model import LARGEST, Floats, LinearModel, sigmoid, squeezed
from ml.federated.protection import PERSON, Noise, Protection

STATISTICS, GRADIENT, UPDATE = "statistics", "gradient", "update"


@dataclass(frozen=True, slots=True)
class Rows:
    """One silo's rows: features (n, k), labels (n,) of 0 and 1, people (n,) as codes that mean nothing outside."""

    features: Floats
    labels: Floats
    people: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.labels) == len(self.people):
            raise FederatedInputError("a silo's features, labels and people are not equally many")
        if np.isinf(self.features).any():
            raise UnusableVectorError("a silo's features hold an infinite value; guard the division that made it")


@dataclass(frozen=True, slots=True)
class Task:
    """What every silo is asked to compute with the model as it is. steps, rate, l2: of local descent (UPDATE)."""

    kind: str
    model: LinearModel
    steps: int = 1
    rate: float = 0.1
    l2: float = 0.0

    @property
    def length(self) -> int:
        """Numbers in an answer."""
        k = len(self.model.columns)
        return 2 + 3 * k if self.kind == STATISTICS else 2 + k


def answer(task: Task, rows: Rows, n_silos: int, protection: Protection | None, noise: Noise | None) -> Words:
    """A silo's vector for a task: plain sums, or clipped sums with this silo's part of the noise. (task.length,).

    Raises UnusableVectorError.
    """
    if protection is None or noise is None:
        return encode(plain_sum(task, rows), n_silos)
    vectors = _per_person(task, rows) if protection.unit == PERSON else _of_silo(task, rows)
    clip = protection.clip_of(task.kind)
    drawn = np.array(noise(task.kind, task.length), dtype=np.int64)
    noisy: NDArray[np.int64] = clipped(vectors, clip).sum(axis=0) + drawn
    return noisy.view(np.uint64)


def clipped(vectors: Floats, clip: float) -> NDArray[np.int64]:
    """Vectors (m, d) as integers in fixed point, none longer than clip: scaled down, then cut off towards zero."""
    if not np.isfinite(vectors).all():
        raise UnusableVectorError("a vector holds a value that is not finite; nothing was sent")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    shorter = np.minimum(1.0, clip * (1 - 1e-12) / np.maximum(lengths, 1e-300))
    whole: NDArray[np.int64] = np.trunc(np.ldexp(vectors * shorter, FRACTION_BITS)).astype(np.int64)
    return whole


def gradients(model: LinearModel, rows: Rows) -> Floats:
    """The gradient of the log loss by the weights, per row: (n, k + 1)."""
    design = model.design(rows.features)
    return (sigmoid(design @ model.weights) - rows.labels)[:, None] * design


def statistics(rows: Rows) -> Floats:
    """Per row 1, the label, and per feature whether it is missing, its value and its square, as parts of LARGEST."""
    values = squeezed(rows.features) / LARGEST
    known = np.nan_to_num(values, nan=0.0)
    ones = np.ones((len(values), 1))
    return np.hstack([ones, rows.labels[:, None], np.isnan(values), known, known**2])


def descended(task: Task, rows: Rows) -> Floats:
    """How far the weights move in a few steps of gradient descent on this silo's rows alone: (k + 1,)."""
    design, start = task.model.design(rows.features), task.model.weights
    weights, penalty = start.copy(), np.append(np.full(len(start) - 1, task.l2), 0.0)
    for _ in range(task.steps):
        slope = (sigmoid(design @ weights) - rows.labels) @ design / len(design)
        weights -= task.rate * (slope + penalty * weights)
    return weights - start


def plain_sum(task: Task, rows: Rows) -> Floats:
    """The number of rows and the sum over them; an update counts as often as its silo has rows (FedAvg)."""
    if task.kind == STATISTICS:
        return np.asarray(statistics(rows).sum(axis=0), dtype=np.float64)
    n = len(rows.labels)
    if task.kind == UPDATE:
        return np.append(n, n * descended(task, rows) if n else np.zeros(task.length - 1))
    return np.append(n, gradients(task.model, rows).sum(axis=0))


def _per_person(task: Task, rows: Rows) -> Floats:
    """The mean over each person's rows, (people, task.length): everybody counts once, however many rows they have."""
    if task.kind == UPDATE:
        raise FederatedInputError("local steps mix people before anything can be clipped; average gradients instead")
    per_row = statistics(rows) if task.kind == STATISTICS else _with_room(gradients(task.model, rows))
    _, codes = np.unique(rows.people, return_inverse=True)
    counts = np.bincount(codes).astype(np.float64)
    sums = np.zeros((len(counts), task.length))
    np.add.at(sums, codes, per_row)
    return sums / counts[:, None] if len(counts) else sums


def _of_silo(task: Task, rows: Rows) -> Floats:
    """One vector of the silo, (1, task.length): every silo counts once, however many rows it has."""
    if not len(rows.labels):
        return np.zeros((1, task.length))
    if task.kind == STATISTICS:
        return np.asarray(statistics(rows).mean(axis=0)[None, :], dtype=np.float64)
    if task.kind == UPDATE:
        return _with_room(descended(task, rows)[None, :])
    return _with_room(gradients(task.model, rows).mean(axis=0)[None, :])


def _with_room(vectors: Floats) -> Floats:
    """A first number of zero: under noise nobody counts again what the statistics counted."""
    return np.hstack([np.zeros((len(vectors), 1)), vectors])
