"""A small generator of step sequences: n-grams interpolated with shorter ones. It holds counts of k people, no rows.

Witten & Bell, IEEE Transactions on Information Theory 37 (1991), 1085-1094, as in Chen & Goodman (1999), section 2.4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sklearn.base import BaseEstimator

from ml.families.terms import K_PEOPLE, People
from ml.intervals import Floats

END = "<end>"
BEGIN = "<begin>"
SEPARATOR = " > "
Steps = Sequence[str]


class UnknownStepsError(Exception):
    """No step was taken by enough people, so there is nothing to generate from."""


class StepLanguage(BaseEstimator):  # type: ignore[misc]
    """P(next step | up to order - 1 steps before), each order interpolated with the one below, the last with uniform.

    counts_: {steps before joined by SEPARATOR: {step: times}} of n-grams that k_people people have; others are left
    out, and so are steps of fewer people: they have no probability. A step must not contain SEPARATOR.
    """

    def __init__(self, order: int = 3, k_people: int = K_PEOPLE) -> None:
        self.order = order
        self.k_people = k_people

    def fit(self, sequences: Sequence[Steps], y: object = None, people: People = None) -> StepLanguage:  # noqa: ARG002
        """Count n-grams of sequences; people (n,) says whose each is, None: each somebody else's.

        Raises UnknownStepsError where no step is shared by k_people people.
        """
        who = [str(person) for person in (range(len(sequences)) if people is None else people)]
        times: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        owners: dict[tuple[str, str], set[str]] = defaultdict(set)
        for person, steps in zip(who, sequences, strict=True):
            for context, step in _grams(steps, self.order):
                times[context][step] += 1
                owners[context, step].add(person)
        self.counts_ = _shared(times, owners, self.k_people)
        self.steps_ = sorted(self.counts_.get("", {}))
        if not self.steps_:
            raise UnknownStepsError(f"no step was taken by {self.k_people} people; train on more sessions")
        return self

    def probability(self, before: Steps, step: str) -> float:
        """P(step | the steps before it, from the beginning); END is a step. 0 for a step that is not shared."""
        return self.distribution(before).get(step, 0.0)

    def distribution(self, before: Steps) -> dict[str, float]:
        """P of every shared step and END after the steps before: it sums to 1."""
        made = dict.fromkeys(self.steps_, 1 / len(self.steps_))
        for context in _contexts(before, self.order):
            counts = self.counts_.get(context)
            if counts:
                n, kinds = sum(counts.values()), len(counts)
                made = {step: (counts.get(step, 0) + kinds * p) / (n + kinds) for step, p in made.items()}
        return made

    def log_loss(self, sequences: Sequence[Steps]) -> float:
        """Mean of -ln P over all steps and ends of sequences; steps that are not shared are passed over."""
        losses = [
            -np.log(p)
            for steps in sequences
            for at, step in enumerate([*steps, END])
            if (p := self.probability(steps[:at], step)) > 0
        ]
        return float(np.mean(losses))

    def likeliest(self, begun: Steps, longest: int = 20) -> list[str]:
        """What follows a beginning, by the likeliest step each time, until END or `longest` steps."""
        made: list[str] = []
        while len(made) < longest:
            chances = self.distribution([*begun, *made])
            step = max(self.steps_, key=lambda s: chances[s])
            if step == END:
                break
            made.append(step)
        return made

    def drawn(self, begun: Steps, chance: np.random.Generator, longest: int = 20) -> list[str]:
        """What follows a beginning, by steps drawn at their probabilities, until END or `longest` steps."""
        made: list[str] = []
        while len(made) < longest:
            chances = self.distribution([*begun, *made])
            step = self.steps_[int(chance.choice(len(self.steps_), p=_summing_to_one(chances, self.steps_)))]
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


def _shared(
    times: Mapping[str, Mapping[str, int]], owners: Mapping[tuple[str, str], set[str]], k_people: int
) -> dict[str, dict[str, int]]:
    """The counts that k_people people are behind, sorted, so that the order of rows changes nothing."""
    kept: dict[str, dict[str, int]] = {}
    for context in sorted(times):
        found = {step: n for step, n in sorted(times[context].items()) if len(owners[context, step]) >= k_people}
        if found:
            kept[context] = found
    return kept


def _summing_to_one(chances: Mapping[str, float], steps: Sequence[str]) -> Floats:
    values = np.array([chances[step] for step in steps])
    return np.asarray(values / values.sum())
