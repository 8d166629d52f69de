"""A network with one hidden layer over sparse rows: softmax, dropout, Adam. numpy alone; it holds weights, no rows.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from ml.intervals import Codes, Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    Weights = NDArray[np.float32]

BETAS = (0.9, 0.999)  # Adam: Kingma & Ba, ICLR 2015, with the step's own correction
TINY = 1e-8
FEWEST_STEPS = 300  # few rows make few steps an epoch, and are gone over as often as it takes


class SparseNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One hidden layer of `width` rectified units over rows (n, m), any of them sparse.

    dropout: the share of a row's features, and of hidden units, left out at each step (Srivastava et al., JMLR 2014);
    the rate falls to 0 along a cosine over `epochs`. Same rows, same seed, same weights.
    """

    def __init__(
        self, width: int = 256, epochs: int = 20, rate: float = 5e-3, dropout: float = 0.5, batch: int = 128,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.width = width
        self.epochs = epochs
        self.rate = rate
        self.dropout = dropout
        self.batch = batch
        self.seed = seed

    def fit(self, rows: csr_matrix, labels: NDArray[Any]) -> SparseNetwork:
        """Learn the labels (n,) of rows (n, m)."""
        self.classes_, codes = np.unique(labels, return_inverse=True)
        chance = np.random.default_rng(self.seed)
        rows = rows.tocsr().astype(np.float32)
        self.weights_ = _begun(chance, [rows.shape[1], self.width, len(self.classes_)])
        moments = [(np.zeros_like(w), np.zeros_like(w)) for w in self.weights_]
        a_round = -(-rows.shape[0] // self.batch)
        epochs = max(self.epochs, -(-FEWEST_STEPS // a_round))
        n_steps = epochs * a_round
        for step, part in enumerate(self._batches(rows.shape[0], epochs, chance), start=1):
            rate = self.rate * (1 + np.cos(np.pi * step / n_steps)) / 2
            slopes = self._slopes(rows[part], codes[part], chance)
            _step(self.weights_, slopes, moments, rate, step)
        return self

    def predict_proba(self, rows: csr_matrix) -> Floats:
        """P(class) in the order of classes_: (n, classes)."""
        first, bias, second, last = self.weights_
        hidden = np.maximum(rows.astype(np.float32) @ first + bias, 0)
        return _softmax(hidden @ second + last).astype(np.float64)

    def predict(self, rows: csr_matrix) -> NDArray[Any]:
        """The likeliest class (n,)."""
        return np.asarray(self.classes_[self.predict_proba(rows).argmax(axis=1)])

    def _batches(self, n: int, epochs: int, chance: np.random.Generator) -> Iterator[Codes]:
        for _ in range(epochs):
            order = chance.permutation(n)
            for start in range(0, n, self.batch):
                yield order[start : start + self.batch]

    def _slopes(self, rows: csr_matrix, codes: Codes, chance: np.random.Generator) -> list[Weights]:
        """Slopes of the mean log loss by each of weights_, with features and units left out."""
        kept = np.float32(1 - self.dropout)
        first, bias, second, last = self.weights_
        rows.data *= (chance.random(rows.nnz, dtype=np.float32) < kept) / kept
        mask = (chance.random((rows.shape[0], self.width), dtype=np.float32) < kept) / kept
        before = rows @ first + bias  # (batch, width)
        hidden = np.maximum(before, 0) * mask
        error = _softmax(hidden @ second + last)  # (batch, classes)
        error[np.arange(len(codes)), codes] -= 1
        error /= len(codes)
        back = (error @ second.T) * mask * (before > 0)
        return [rows.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]


def _begun(chance: np.random.Generator, sizes: list[int]) -> list[Weights]:
    """First weights after Glorot & Bengio (AISTATS 2010), biases of 0: [w, b, w, b]."""
    made: list[Weights] = []
    for wide, out in pairwise(sizes):
        bound = np.sqrt(6 / (wide + out))
        made += [chance.uniform(-bound, bound, (wide, out)).astype(np.float32), np.zeros(out, np.float32)]
    return made


def _step(
    weights: list[Weights], slopes: list[Weights], moments: list[tuple[Weights, Weights]], rate: float, step: int
) -> None:
    """One step of Adam, in place."""
    rate = float(rate * np.sqrt(1 - BETAS[1] ** step) / (1 - BETAS[0] ** step))
    for at, (slope, (mean, square)) in enumerate(zip(slopes, moments, strict=True)):
        np.add(BETAS[0] * mean, (1 - BETAS[0]) * slope, out=mean)
        np.add(BETAS[1] * square, (1 - BETAS[1]) * slope * slope, out=square)
        weights[at] -= rate * mean / (np.sqrt(square) + TINY)


def _softmax(scores: Weights) -> Weights:
    made: Weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    made /= made.sum(axis=1, keepdims=True)
    return made
