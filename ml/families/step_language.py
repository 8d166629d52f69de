"""A small generator of step sequences: n-grams interpolated with shorter ones. It holds counts of k people, no rows.

Witten & Bell, IEEE Transactions on Information Theory 37 (1991), 1085-1094, as in Chen & Goodman (1999), section 2.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ml.families.terms import K_PEOPLE, People
from ml.intervals import Floats

END = "<end>"
BEGIN = "<begin>"
SEPARATOR = " > "
Steps = Sequence[str]
Gram: TypeAlias = tuple[str, str]  # the steps before, and the step


class UnknownStepsError(Exception):
    """No step was taken by enough people, so there is nothing to learn from."""


class StepLanguage(BaseEstimator):  # type: ignore[misc]
    """P(next step | up to order - 1 steps before), each order interpolated with the one below, the last with uniform.

    counts_: {steps before, joined by SEPARATOR: (2, kinds) places in steps_ and times} of n-grams that k_people people
    have; others are left out, and so are steps of fewer people: they have no probability. leftovers_ says how often
    something left out came after the steps before, where that was of k_people people: as much goes to the order below.
    A step must not contain SEPARATOR.
    """

    def __init__(self, order: int = 3, k_people: int = K_PEOPLE) -> None:
        self.order = order
        self.k_people = k_people

    def fit(self, sequences: Sequence[Steps], y: object = None, people: People = None) -> StepLanguage:  # noqa: ARG002
        """Count n-grams of sequences; people (n,) says whose each is, None: each somebody else's.

        Raises UnknownStepsError where no step is shared by k_people people.
        """
        owned: dict[str, list[Steps]] = defaultdict(list)
        for at, steps in enumerate(sequences):
            owned[str(at if people is None else people[at])].append(steps)
        times, n_people = Counter[Gram](), Counter[Gram]()
        by_person = [Counter(gram for steps in own for gram in _grams(steps, self.order)) for own in owned.values()]
        for grams in by_person:
            times.update(grams)
            n_people.update(grams.keys())
        shared = {gram: n for gram, n in times.items() if n_people[gram] >= self.k_people}
        self.steps_ = sorted(step for context, step in shared if not context)
        if not self.steps_:
            raise UnknownStepsError(f"no step was taken by {self.k_people} people; train on more sessions")
        self.counts_ = _tables(shared, self.steps_)
        self.leftovers_ = _leftovers(by_person, shared, self.k_people)
        return self

    def probability(self, before: Steps, step: str) -> float:
        """P(step | the steps before it, from the beginning); END is a step. 0 for a step that is not shared."""
        at = bisect_left(self.steps_, step)
        known = at < len(self.steps_) and self.steps_[at] == step
        return float(self.distribution(before)[at]) if known else 0.0

    def distribution(self, before: Steps) -> Floats:
        """P of each of steps_, END among them, after the steps before: it sums to 1."""
        made = np.full(len(self.steps_), 1 / len(self.steps_))
        for context in _contexts(before, self.order):
            table = self.counts_.get(context)
            if table is not None:
                lower = table.shape[1] + self.leftovers_.get(context, 0)
                made *= lower
                made[table[0]] += table[1]
                made /= table[1].sum() + lower
        return made

    def log_loss(self, sequences: Sequence[Steps]) -> float:
        """Mean of -ln P over all steps and ends of sequences; steps that are not shared are passed over."""
        chances = [self.probability(steps[:at], step) for steps in sequences for at, step in enumerate([*steps, END])]
        return float(-np.log([p for p in chances if p > 0]).mean())

    def likeliest(self, begun: Steps, longest: int = 20, *, may_end: bool = True) -> list[str]:
        """What follows a beginning, by the likeliest step each time, until END or `longest` steps.

        may_end: whether END is among the steps; without, exactly `longest` are made.
        """
        return self._continued(begun, longest, may_end, lambda chances: int(chances.argmax()))

    def drawn(self, begun: Steps, chance: np.random.Generator, longest: int = 20, *, may_end: bool = True) -> list[str]:
        """What follows a beginning, by steps drawn at their probabilities, until END or `longest` steps."""
        return self._continued(
            begun, longest, may_end, lambda chances: int(chance.choice(len(chances), p=chances / chances.sum()))
        )

    def _continued(self, begun: Steps, longest: int, may_end: bool, choose: Callable[[Floats], int]) -> list[str]:
        made: list[str] = []
        while len(made) < longest:
            chances = self.distribution([*begun, *made])
            if not may_end:
                chances[bisect_left(self.steps_, END)] = 0
            step = self.steps_[choose(chances)]
            if step == END:
                break
            made.append(step)
        return made


def best_order(
    train: Sequence[Steps], validation: Sequence[Steps], people: People = None, orders: Sequence[int] = (1, 2, 3, 4, 5)
) -> tuple[int, dict[int, float]]:
    """The order of least log loss on validation sequences, and the log loss of each; the lower order at a tie."""
    losses = {order: StepLanguage(order).fit(train, people=people).log_loss(validation) for order in orders}
    return min(losses, key=lambda order: (losses[order], order)), losses


def _grams(steps: Steps, order: int) -> Iterator[tuple[str, str]]:
    """Every (context, step) of a sequence and its end, for contexts of 0 to order - 1 steps."""
    for at, step in enumerate([*steps, END]):
        for context in _contexts(steps[:at], order):
            yield context, step


def _contexts(before: Steps, order: int) -> list[str]:
    """Contexts of 0 to order - 1 steps that end a beginning, shortest first."""
    padded = [BEGIN, *before[-(order - 1) :]] if order > 1 else []
    padded = padded if len(before) < order - 1 else padded[1:]
    return ["", *(SEPARATOR.join(padded[-size:]) for size in range(1, len(padded) + 1))]


def _leftovers(by_person: Sequence[Mapping[Gram, int]], shared: Mapping[Gram, int], k_people: int) -> dict[str, int]:
    """How often a step that is not shared came after each context, where k_people people had one."""
    n_people, times = Counter[str](), Counter[str]()
    for grams in by_person:
        left = {gram: n for gram, n in grams.items() if gram not in shared and gram[0]}
        n_people.update({context for context, _ in left})
        for (context, _), n in left.items():
            times[context] += n
    known = {context for context, _ in shared}
    return {context: times[context] for context in sorted(known) if n_people[context] >= k_people}


def _tables(shared: Mapping[Gram, int], steps: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Shared n-grams by context, sorted, so that the order of rows changes nothing."""
    place = {step: at for at, step in enumerate(steps)}
    rows: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (context, step), n in sorted(shared.items()):
        rows[context].append((place[step], n))
    return {context: np.array(found, dtype=np.int64).T for context, found in rows.items()}
