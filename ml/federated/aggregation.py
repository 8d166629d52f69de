"""The server's side of secure aggregation: it passes messages on and learns the sum of who answered, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ml.federated import masks, shamir
from ml.federated.errors import FederatedError, ForgedMessageError, TooFewSilosError
from ml.federated.masks import Words
from ml.federated.messages import Opening, Participant, Revealed, Round, require_length, require_round

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The sum over survivors (length,), who they are, and why others are not among them."""

    total: Words
    survivors: tuple[int, ...]
    gone: Mapping[int, str]


@dataclass(slots=True)
class _Roll:
    """Who still answers. A silo that raises a FederatedError, or answers wrongly, is out of the round."""

    round: Round
    gone: dict[int, str] = field(default_factory=dict)

    def ask(self, numbers: Iterable[int], question: Callable[[int], T]) -> dict[int, T]:
        """The answers of those who answer. Raises TooFewSilosError where these are fewer than the threshold."""
        answers = {}
        for number in numbers:
            try:
                answers[number] = question(number)
            except FederatedError as error:
                self.gone[number] = str(error)
        if len(answers) < self.round.threshold:
            reasons = "; ".join(f"silo {n}: {why}" for n, why in list(self.gone.items())[:3])
            raise TooFewSilosError(
                f"{len(answers)} silos answer in round {self.round.number}, {self.round.threshold} must: the round is "
                f"refused and its sum stays unknown ({reasons}); run another round when they are back"
            )
        return answers


def secure_sum(silos: Mapping[int, Participant], round_: Round, task: Any) -> Aggregate:
    """Ask every silo for its vector for the task under masks, and lift the masks off the sum.

    Raises TooFewSilosError below the threshold, ForgedMessageError where a revealed share was changed.
    """
    require_round(round_)
    roll = _Roll(round_)
    openings = roll.ask(silos, lambda n: silos[n].open(round_))
    sealed = roll.ask(openings, lambda n: silos[n].share(openings))
    masked = roll.ask(sealed, lambda n: _checked(silos[n].contribute(_addressed(sealed, n), task), round_, n))
    survivors = frozenset(masked)
    confirmed = roll.ask(sorted(survivors), lambda n: silos[n].confirm(survivors))
    revealed = roll.ask(confirmed, lambda n: silos[n].reveal(_addressed(confirmed, n)))
    total = unmask(round_, openings, frozenset(sealed), masked, revealed)
    return Aggregate(total, tuple(sorted(survivors)), roll.gone)


def unmask(
    round_: Round,
    openings: Mapping[int, Opening],
    masking: frozenset[int],
    masked: Mapping[int, Words],
    revealed: Mapping[int, Revealed],
) -> Words:
    """The sum of the masked vectors without their masks: (length,). masking: silos whose shares were passed on."""
    total = np.zeros(round_.length, np.uint64)
    for vector in masked.values():
        np.add(total, vector, out=total)
    helpers = dict(list(revealed.items())[: round_.threshold])
    factors = shamir.weights(list(helpers))
    for number in masked:
        seed = _joined({h: r.seeds.get(number) for h, r in helpers.items()}, factors, number)
        if hashlib.sha256(seed).digest() != openings[number].commitment:
            raise _changed(number)
        np.subtract(total, masks.stretch(seed, round_.length), out=total)
    for number in sorted(masking - masked.keys()):
        raw = _joined({h: r.keys.get(number) for h, r in helpers.items()}, factors, number)
        _lift_pairwise(total, round_, number, raw, {o: openings[o] for o in masked}, openings[number].key)
    return total


def _lift_pairwise(
    total: Words, round_: Round, gone: int, raw: bytes, others: Mapping[int, Opening], public: bytes
) -> None:
    """Add the masks that a silo which left would have added: they cancel those that the others added for it."""
    key = masks.private_key(raw)
    if masks.public_bytes(key) != public:
        raise _changed(gone)
    seeds = {o: masks.agree(key, other.key, round_.context("mask", *sorted((gone, o)))) for o, other in others.items()}
    masks.add_pairwise(total, gone, seeds)


def _joined(shares: Mapping[int, int | None], factors: Mapping[int, int], number: int) -> bytes:
    known = {holder: share for holder, share in shares.items() if share is not None}
    if len(known) < len(shares):
        raise _changed(number)
    try:
        return shamir.join(known, factors)
    except OverflowError:
        raise _changed(number) from None


def _addressed(messages: Mapping[int, Mapping[int, bytes]], receiver: int) -> dict[int, bytes]:
    return {sender: texts[receiver] for sender, texts in messages.items() if receiver in texts}


def _checked(vector: Words, round_: Round, number: int) -> Words:
    require_length(len(vector), round_.length, f"the vector of silo {number}")
    return vector


def _changed(number: int) -> ForgedMessageError:
    return ForgedMessageError(
        f"the shares revealed about silo {number} do not give what it committed to; run another round without the liar"
    )
