"""What silos and server say to each other in a round of secure aggregation. Bytes, numbers and masked words only."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ml.federated.errors import FederatedInputError, WrongLengthError
from ml.federated.masks import Words
from ml.federated.shamir import SHARE_BYTES

KEY_BYTES = 32
SEALED_BYTES = 2 * SHARE_BYTES + 16  # two shares and the tag of AES-GCM
LEAST_SILOS = 3  # of two, each knows the other's vector from the sum


@dataclass(frozen=True, slots=True)
class Round:
    """One sum. training: 16 bytes that no other training has; length: words in a vector; threshold: who must answer."""

    training: bytes
    number: int
    length: int
    threshold: int

    def context(self, use: str, *parts: int) -> bytes:
        """A byte string that belongs to one use in one round only."""
        return self.training + struct.pack(f"!{1 + len(parts)}I", self.number, *parts) + use.encode()


@dataclass(frozen=True, slots=True)
class Opening:
    """A silo's fresh mask key (32 bytes, public) and the SHA-256 of the seed of its own mask."""

    key: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Revealed:
    """Shares for unmasking: of the own masks of silos that answered, of the mask keys of those that did not."""

    seeds: Mapping[int, int]
    keys: Mapping[int, int]


class Participant(Protocol):
    """A silo as the server sees it. Every method may raise FederatedError: the silo is then out of the round."""

    def open(self, round_: Round) -> Opening:
        """Begin a round."""

    def share(self, openings: Mapping[int, Opening]) -> Mapping[int, bytes]:
        """A sealed pair of shares for each other silo of the round."""

    def contribute(self, sealed: Mapping[int, bytes], task: Any) -> Words:
        """The silo's vector for the task under masks, (length,)."""

    def confirm(self, survivors: frozenset[int]) -> Mapping[int, bytes]:
        """For each other survivor, a proof of whom this silo was told to have survived."""

    def reveal(self, confirmations: Mapping[int, bytes]) -> Revealed:
        """What lifts the masks off the sum and off nothing else."""


def usual_threshold(n_silos: int) -> int:
    """More than two thirds, so that a server that lies to silos cannot have two answers (Bonawitz 2017, section 6).

    Raises FederatedInputError below three silos.
    """
    if n_silos < LEAST_SILOS:
        raise FederatedInputError(
            f"{n_silos} silos take part; secure aggregation needs at least {LEAST_SILOS}, or one learns the other"
        )
    return 2 * n_silos // 3 + 1


def require_round(round_: Round) -> None:
    """Refuse a round that protects nobody. Raises FederatedInputError."""
    if round_.length < 1 or round_.number < 0 or len(round_.training) != 16:
        raise FederatedInputError("a round needs a length, a number that is not negative, and a training of 16 bytes")
    if round_.threshold < 2:
        raise FederatedInputError(f"a threshold of {round_.threshold} would unmask single silos; use two thirds")


def require_length(found: int, expected: int, what: str) -> None:
    """Raises WrongLengthError."""
    if found != expected:
        raise WrongLengthError(f"{what} has length {found}, agreed was {expected}; it is refused")
