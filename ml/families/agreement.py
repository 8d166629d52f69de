"""How far judges agree, what their votes say together, and how far a verdict may be trusted. No features, no texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.intervals import N_RESAMPLES, Codes, Figure, Floats, encode, figure, subject_counts

ROUNDS = 200
TOLERANCE = 1e-9
PRIOR_VOTES = 0.5  # added to each cell of a judge's table, so that a vote never seen is not impossible


@dataclass(frozen=True, slots=True)
class Consensus:
    """What votes say together: posterior (n, c), each judge's table P(vote | truth) (j, c, c), classes' shares (c,)."""

    posterior: Floats
    tables: Floats
    shares: Floats

    @property
    def verdicts(self) -> Codes:
        """The likeliest class of each item (n,); the lowest where two are as likely."""
        return np.asarray(self.posterior.argmax(axis=1), dtype=np.int64)

    @property
    def accuracies(self) -> Floats:
        """How often each judge is right, by these tables (j,)."""
        return np.asarray(np.einsum("jcc,c->j", self.tables, self.shares))


def cohen_kappa(first: Codes, second: Codes, n_classes: int) -> float:
    """Agreement above chance (Cohen 1960) of two judges' classes (n,): 1 is always, 0 as by chance."""
    ones = np.ones((1, len(first)))
    return float(_kappas(first, second, n_classes, np.arange(len(first)))(ones)[0])


def kappa_figure(first: Codes, second: Codes, n_classes: int, units: NDArray[np.object_], seed: int = 0) -> Figure:
    """Cohen's kappa with its interval over units (n,): items that share a unit are drawn together."""
    codes, n_units = encode(units)
    kappas = _kappas(first, second, n_classes, codes)
    value = float(kappas(np.ones((1, n_units)))[0])
    return figure(value, kappas(subject_counts(n_units, N_RESAMPLES, seed)))


def kappa_gain(reference: Codes, verdicts: Codes, other: Codes, n_classes: int, units: NDArray[np.object_]) -> Figure:
    """Kappa of verdicts with the reference minus kappa of another judge with it, paired over units."""
    codes, n_units = encode(units)
    ours, theirs = (_kappas(reference, votes, n_classes, codes) for votes in (verdicts, other))
    everyone, counts = np.ones((1, n_units)), subject_counts(n_units)
    return figure(float((ours(everyone) - theirs(everyone))[0]), ours(counts) - theirs(counts))


def consensus(votes: Codes, n_classes: int) -> Consensus:
    """Items' likeliest classes and judges' reliabilities from votes (n, j) by expectation maximisation.

    Dawid & Skene, Applied Statistics 28 (1979), 20-28. Starts at the shares of votes: same votes, same result. What a
    model says may be the votes of one more judge, who counts as far as the others bear it out. Judges are taken to err
    independently: where they err alike, the posterior is too sure.
    """
    given = np.eye(n_classes)[votes]  # (n, j, c)
    posterior = given.mean(axis=1)
    for _ in range(ROUNDS):
        tables, shares = _maximise(given, posterior)
        logarithms = np.log(shares) + np.einsum("njv,jcv->nc", given, np.log(tables))
        before, posterior = posterior, _normalised(logarithms)
        if np.abs(before - posterior).max() < TOLERANCE:
            break
    tables, shares = _maximise(given, posterior)
    return Consensus(posterior, tables, shares)


def expected_kappa(tables: Floats, shares: Floats, judge: int) -> float:
    """Kappa that verdicts which are always right would have with a judge of these tables: what nobody can exceed."""
    joint = shares[:, None] * tables[judge]  # P(truth, vote)
    chance = float((joint.sum(axis=0) * shares).sum())
    return float((np.trace(joint) - chance) / (1 - chance))


def _maximise(given: Floats, posterior: Floats) -> tuple[Floats, Floats]:
    tables = np.einsum("nc,njv->jcv", posterior, given) + PRIOR_VOTES
    shares = posterior.mean(axis=0) + 1e-12
    return tables / tables.sum(axis=2, keepdims=True), shares / shares.sum()


def _normalised(logarithms: Floats) -> Floats:
    weights = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _kappas(first: Codes, second: Codes, n_classes: int, units: Codes) -> Callable[[Floats], Floats]:
    """Kappa for each row of counts of units (r, n_units)."""
    n_cells = n_classes * n_classes
    cell = units * n_cells + first * n_classes + second
    n_units = int(units.max()) + 1
    per_unit = np.bincount(cell, minlength=n_units * n_cells).reshape(n_units, n_cells).astype(np.float64)

    def kappas(counts: Floats) -> Floats:
        joint = (counts @ per_unit).reshape(-1, n_classes, n_classes)
        joint /= joint.sum(axis=(1, 2), keepdims=True)
        agreed = np.trace(joint, axis1=1, axis2=2)
        chance = (joint.sum(axis=1) * joint.sum(axis=2)).sum(axis=1)
        return np.asarray((agreed - chance) / (1 - chance))

    return kappas
