"""The next step of a session from the steps before it: counts of several views, mixed by learned weights. No rows kept.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ml.families.step_language import UnknownStepsError
from ml.families.step_tables import (
    Moments,
    Steps,
    chain,
    count,
    ends,
    find,
    interpolated,
    last_steps,
    moments,
    rows_by_order,
    shared_steps,
    soon,
)
from ml.families.terms import K_PEOPLE, People
from ml.intervals import Codes, Floats

HELD_OUT = 10  # every tenth person's steps choose the weights; the counts of the final tables are of everybody
FEWEST_HELD_OUT = 200
PENALTY = 1e-3  # on squares of weights, away from the Markov part's
ENDS_PRIOR = 5.0  # sessions' worth of the overall shares, added to how sessions end
MOST_CELLS = 40_000_000  # figures held at once while the weights are learned: 160 MB
ROWS_AT_ONCE = 256

Parts = NDArray[np.float32]


class MarkovChain(BaseEstimator):  # type: ignore[misc]
    """The baseline: P(next step | the step before), and how often a step is taken at all where that is not known."""

    def __init__(self, k_people: int = K_PEOPLE) -> None:
        self.k_people = k_people

    def fit(self, sequences: Sequence[Steps], y: object = None, people: People = None) -> MarkovChain:  # noqa: ARG002
        """Count pairs of steps; people (n,) says whose each sequence is, None: each somebody else's.

        Raises UnknownStepsError.
        """
        self.names_, log = _log(sequences, people, self.k_people, 1)
        self.shares_ = _shares(log, len(self.names_))
        self.chain_ = chain(log, len(self.names_), 1, self.k_people)
        return self

    def log_probabilities(self, begun: Sequence[Steps]) -> Floats:
        """ln P of each of names_ after each beginning: (n, steps)."""
        rows = rows_by_order(self.chain_, last_steps(begun, self.names_, 1), len(self.names_))[0]
        lower = np.tile(self.shares_, (len(begun), 1))
        return np.log(interpolated(self.chain_[0], rows, lower, 1e-3))

    def predict(self, begun: Sequence[Steps]) -> list[str]:
        """The likeliest next step of each beginning."""
        return [self.names_[at] for at in self.log_probabilities(begun).argmax(axis=1)]


class NextStep(BaseEstimator):  # type: ignore[misc]
    """P(next step | up to `window` steps before): a log-linear mixture whose weights are learned on people left out.

    Its parts, each a figure of every step: how often it is taken; what each further step of context up to `order` adds
    to that (variable-order Markov, absolute discounting); how often it comes within `reach` steps after each step of
    the window, whatever stands between; whether it is one of those steps; how often sessions end with it, and with it
    after the step before. Mixture: Klakow, ICSLP 1998. Steps within reach: Padmanabhan & Mogul, CCR 26 (1996).

    asked: the weights are learned on "every" step, or on the "last" of each session, where that is what is asked.
    names_: steps that k_people people took, sorted. chain_, soon_, ends_, closing_: counts of what k_people people did
    (step_tables). weights_ (parts,): of the mixture.
    """

    def __init__(
        self, order: int = 3, window: int = 5, reach: int = 10, asked: str = "every", discount: float = 0.75,
        k_people: int = K_PEOPLE,
    ) -> None:  # fmt: skip
        self.order = order
        self.window = window
        self.reach = reach
        self.asked = asked
        self.discount = discount
        self.k_people = k_people

    def fit(self, sequences: Sequence[Steps], y: object = None, people: People = None) -> NextStep:  # noqa: ARG002
        """Count and weigh; people (n,) says whose each sequence is, None: each somebody else's.

        Too few steps of people left out (FEWEST_HELD_OUT) leave the weights of the Markov part alone.
        Raises UnknownStepsError.
        """
        widest = max(self.window, self.order, self.reach)
        self.names_, log = _log(sequences, people, self.k_people, widest)
        held = (log.people % HELD_OUT == 0) & (log.targets >= 0) & (log.lags[:, 0] >= 0)
        held &= log.is_last | (self.asked != "last")
        self.weights_ = self._begun_weights()
        if held.sum() >= FEWEST_HELD_OUT:
            self._count(log.of(log.people % HELD_OUT != 0))
            self.weights_ = self._learned(log.of(held))
        self._count(log)
        return self

    def log_probabilities(self, begun: Sequence[Steps]) -> Floats:
        """ln P of each of names_ after each beginning: (n, steps)."""
        lags = last_steps(begun, self.names_, max(self.window, self.order))
        made = [_log_softmax(parts @ self.weights_.astype(np.float32)) for parts in self._parts_by_chunk(lags)]
        return np.vstack(made) if made else np.zeros((0, len(self.names_)))

    def predict(self, begun: Sequence[Steps]) -> list[str]:
        """The likeliest next step of each beginning."""
        return [self.names_[at] for at in self.log_probabilities(begun).argmax(axis=1)]

    def recommend(self, begun: Steps, n: int = 5) -> list[tuple[str, float]]:
        """The n likeliest next steps of one beginning with their probabilities, likeliest first."""
        chances = np.exp(self.log_probabilities([begun])[0])
        order = np.argsort(-chances, kind="stable")[:n]
        return [(self.names_[at], float(chances[at])) for at in order]

    def part_names(self) -> list[str]:
        """What each of weights_ weighs."""
        orders = [f"{lag} steps of context" for lag in range(1, self.order + 1)]
        near = [f"soon after the step {lag} back" for lag in range(1, self.window + 1)]
        again = [f"is the step {lag} back" for lag in range(1, self.window + 1)]
        return ["share", *orders, *near, *again, "ends", "ends after the step before"]

    def _begun_weights(self) -> Floats:
        return np.array([1.0] * (1 + self.order) + [0.0] * (2 * self.window + 2))

    def _count(self, log: Moments) -> None:
        n_steps = len(self.names_)
        self.shares_ = _shares(log, n_steps)
        self.chain_ = chain(log, n_steps, self.order, self.k_people)
        self.soon_ = soon(log, n_steps, self.reach, self.k_people)
        last = log.of(log.is_last)
        times = ends(last, n_steps, self.k_people)
        others = len(last.targets) - times.sum() + ENDS_PRIOR
        self.ends_ = (times + others * self.shares_) / (times.sum() + others)
        self.closing_ = count(last.lags[:, 0], last, n_steps, self.k_people)

    def _learned(self, held: Moments) -> Floats:
        """Weights of the greatest likelihood of the steps held out, drawn to the Markov part by PENALTY."""
        from scipy.optimize import minimize

        begun = self._begun_weights()
        most = max(FEWEST_HELD_OUT, MOST_CELLS // (len(self.names_) * len(begun)))
        rows = np.unique(np.linspace(0, len(held.targets) - 1, most).astype(np.int64))
        parts = np.concatenate(list(self._parts_by_chunk(held.lags[rows])))
        targets = held.targets[rows]

        def loss(weights: Floats) -> tuple[float, Floats]:
            value, slopes = _loss(parts, targets, weights)
            away = weights - begun
            return value + PENALTY * float(away @ away), slopes + 2 * PENALTY * away

        return np.asarray(minimize(loss, begun, jac=True, method="L-BFGS-B", options={"maxiter": 100}).x)

    def _parts_by_chunk(self, lags: Codes) -> Iterator[Parts]:
        for start in range(0, len(lags), ROWS_AT_ONCE):
            yield self._parts(lags[start : start + ROWS_AT_ONCE])

    def _parts(self, lags: Codes) -> Parts:
        """What is weighed, of each step after each beginning: (n, steps, parts), in the order of part_names."""
        n, n_steps = len(lags), len(self.names_)
        made = np.zeros((n, n_steps, len(self.weights_)), dtype=np.float32)
        base = np.tile(self.shares_, (n, 1))
        made[:, :, 0] = np.log(base)
        lower, place = base, 1
        for table, rows in zip(self.chain_, rows_by_order(self.chain_, lags, n_steps), strict=True):
            higher = interpolated(table, rows, lower, self.discount)
            made[:, :, place] = np.log(higher / lower)
            lower, place = higher, place + 1
        for lag in range(self.window):
            near = interpolated(self.soon_, find(self.soon_, lags[:, lag]), base, self.discount)
            made[:, :, place + lag] = np.log(near / base)
            known = np.flatnonzero(lags[:, lag] >= 0)
            made[known, lags[known, lag], place + self.window + lag] = 1
        made[:, :, -2] = np.log(self.ends_ / self.shares_)
        end = np.tile(self.ends_, (n, 1))
        made[:, :, -1] = np.log(interpolated(self.closing_, find(self.closing_, lags[:, 0]), end, self.discount) / end)
        return made


def _log(sequences: Sequence[Steps], people: People, k_people: int, window: int) -> tuple[list[str], Moments]:
    names = shared_steps(sequences, people, k_people)
    if not names:
        raise UnknownStepsError(f"no step was taken by {k_people} people; train on sessions of more people")
    return names, moments(sequences, names, window, people)


def _shares(log: Moments, n_steps: int) -> Floats:
    """How often each step is taken among all, none of them never (add one): (steps,)."""
    times = np.bincount(log.targets[log.targets >= 0], minlength=n_steps) + 1.0
    return np.asarray(times / times.sum())


def _loss(parts: Parts, targets: Codes, weights: Floats) -> tuple[float, Floats]:
    """Mean -ln P of targets (n,) by a mixture of parts (n, steps, m), and its slopes by the weights (m,)."""
    n = len(targets)
    told = _log_softmax(parts @ weights.astype(np.float32))
    error = np.exp(told).astype(np.float32)
    error[np.arange(n), targets] -= 1
    slopes: NDArray[Any] = error.reshape(-1) @ parts.reshape(-1, parts.shape[2])
    return float(-told[np.arange(n), targets].mean()), slopes.astype(np.float64) / n


def _log_softmax(scores: NDArray[Any]) -> Floats:
    made = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    return np.asarray(made - np.log(np.exp(made).sum(axis=1, keepdims=True)))
