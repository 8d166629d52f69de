"""Silos that hold one vector each, and ways for them to leave a round. No training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ml.federated import masks
from ml.federated.errors import FederatedError
from ml.federated.fixed_point import encode
from ml.federated.masks import Words
from ml.federated.member import Compute, Member
from ml.federated.messages import Opening, Revealed, Round

TRAINING = bytes(range(16))
T = TypeVar("T")
STAGES = ("open", "share", "contribute", "confirm", "reveal")


def entropy(seed: int) -> Callable[[int], bytes]:
    """Reproducible randomness for tests."""
    return np.random.default_rng(seed).bytes


def vectors(n_silos: int, length: int, seed: int = 0) -> dict[int, np.ndarray[Any, np.dtype[np.float64]]]:
    random = np.random.default_rng(seed)
    return {n: np.round(random.normal(size=length), 6) for n in range(1, n_silos + 1)}


def members(held: Mapping[int, Any], compute: Compute | None = None) -> dict[int, Member]:
    """One member for each vector, in 24-bit fixed point."""
    keys = {n: masks.private_key(hashlib.sha256(b"%d" % n).digest()) for n in held}
    roster = {n: masks.public_bytes(key) for n, key in keys.items()}

    def holding(vector: Any) -> Compute:
        return compute or (lambda _task: encode(vector, len(held)))

    return {n: Member(n, keys[n], roster, holding(vector), entropy(n)) for n, vector in held.items()}


def round_(length: int, threshold: int, number: int = 0) -> Round:
    return Round(TRAINING, number, length, threshold)


class Leaving:
    """A silo that is gone from a stage on, and by `changes` one that lies at a stage."""

    def __init__(
        self, member: Member, stage: str = "", changes: Mapping[str, Callable[[Any], Any]] | None = None
    ) -> None:
        self._member = member
        self._stage = stage
        self._changes = changes or {}

    def open(self, round_: Round) -> Opening:
        return self._answer("open", lambda: self._member.open(round_))

    def share(self, openings: Mapping[int, Opening]) -> Mapping[int, bytes]:
        return self._answer("share", lambda: self._member.share(openings))

    def contribute(self, sealed: Mapping[int, bytes], task: Any) -> Words:
        return self._answer("contribute", lambda: self._member.contribute(sealed, task))

    def confirm(self, survivors: frozenset[int]) -> Mapping[int, bytes]:
        return self._answer("confirm", lambda: self._member.confirm(survivors))

    def reveal(self, confirmations: Mapping[int, bytes]) -> Revealed:
        return self._answer("reveal", lambda: self._member.reveal(confirmations))

    def _answer(self, stage: str, act: Callable[[], T]) -> T:
        if self._stage and STAGES.index(stage) >= STAGES.index(self._stage):
            raise FederatedError("gone")
        found = act()
        change = self._changes.get(stage)
        return found if change is None else change(found)
