"""A silo's side of secure aggregation: it masks one vector a round and helps to unmask the sum once.

Bonawitz et al. 2017 (CCS, doi 10.1145/3133956.3133982), figure 4. Instead of signatures, silos know each other's static
keys beforehand (the roster): what passes through the server is sealed and checked under keys of pairs.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml.federated import masks, shamir
from ml.federated.errors import (
    FederatedInputError,
    ForgedMessageError,
    InconsistentSurvivorsError,
    ReplayedRoundError,
    TooFewSilosError,
)
from ml.federated.masks import Words
from ml.federated.messages import (
    KEY_BYTES,
    SEALED_BYTES,
    Opening,
    Revealed,
    Round,
    require_length,
    require_round,
)
from ml.federated.shamir import SHARE_BYTES, Entropy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Compute = Callable[[Any], Words]  # a task -> this silo's own vector, never sent as it is


@dataclass(slots=True)
class _Turn:
    """What a silo remembers of the round it is in."""

    round: Round
    mask_key: X25519PrivateKey
    seed: bytes
    openings: Mapping[int, Opening] = field(default_factory=dict)
    own_shares: tuple[int, int] = (0, 0)
    held: dict[int, tuple[int, int]] = field(default_factory=dict)  # silo -> (its key's share, its seed's share)
    survivors: frozenset[int] = frozenset()
    stage: str = "open"


class Member:
    """One silo. roster: every silo's static public key by number, this one's included, agreed on outside."""

    def __init__(
        self, number: int, key: X25519PrivateKey, roster: Mapping[int, bytes], compute: Compute, entropy: Entropy
    ) -> None:
        if roster.get(number) != masks.public_bytes(key):
            raise FederatedInputError(f"the roster holds another key for silo {number}; agree on the roster again")
        self.number = number
        self._compute = compute
        self._entropy = entropy
        self._secrets = {o: masks.agree(key, public, b"pair") for o, public in roster.items() if o != number}
        self._answered: dict[bytes, int] = {}
        self._turn: _Turn | None = None

    def open(self, round_: Round) -> Opening:
        """Begin a round with fresh keys. Raises ReplayedRoundError for a round that is not newer than the last."""
        require_round(round_)
        if round_.number <= self._answered.get(round_.training, -1):
            raise ReplayedRoundError(f"silo {self.number} has begun round {round_.number} already and begins it once")
        self._answered[round_.training] = round_.number
        self._turn = _Turn(round_, masks.private_key(self._entropy(32)), self._entropy(32))
        return Opening(masks.public_bytes(self._turn.mask_key), hashlib.sha256(self._turn.seed).digest())

    def share(self, openings: Mapping[int, Opening]) -> dict[int, bytes]:
        """Shares of the mask key and of the own seed for every silo that opened, each sealed for that silo."""
        turn = self._at("open", "share")
        holders = sorted(openings)
        self._require_known(openings)
        _require_enough(len(holders), turn.round, "opened")
        key, seed = turn.mask_key.private_bytes_raw(), turn.seed
        of_key = shamir.split(key, holders, turn.round.threshold, self._entropy)
        of_seed = shamir.split(seed, holders, turn.round.threshold, self._entropy)
        turn.openings, turn.own_shares = openings, (of_key[self.number], of_seed[self.number])
        return {o: self._seal(turn, o, of_key[o], of_seed[o]) for o in holders if o != self.number}

    def contribute(self, sealed: Mapping[int, bytes], task: Any) -> Words:
        """This silo's vector plus its own mask and those shared with every silo that sent shares: (length,)."""
        turn = self._at("share", "contribute")
        _require_enough(1 + len(sealed), turn.round, "sent shares")
        if not sealed.keys() <= turn.openings.keys() - {self.number}:
            raise ForgedMessageError(f"silo {self.number} got shares of silos that never opened; it leaves the round")
        turn.held = {o: self._unseal(turn, o, text) for o, text in sealed.items()} | {self.number: turn.own_shares}
        vector = self._compute(task)
        require_length(len(vector), turn.round.length, f"the vector of silo {self.number}")
        total = vector + masks.stretch(turn.seed, turn.round.length)
        masks.add_pairwise(total, self.number, {o: self._pair_seed(turn, o) for o in sealed})
        return total

    def confirm(self, survivors: frozenset[int]) -> dict[int, bytes]:
        """Proofs for the other survivors of what this silo was told; it will answer for these survivors only."""
        turn = self._at("contribute", "confirm")
        if not survivors <= turn.held.keys() or self.number not in survivors:
            raise InconsistentSurvivorsError(f"silo {self.number} was told of survivors that it does not know")
        _require_enough(len(survivors), turn.round, "sent a vector")
        turn.survivors = survivors
        return {o: self._proof(turn, self.number, o) for o in survivors - {self.number}}

    def reveal(self, confirmations: Mapping[int, bytes]) -> Revealed:
        """Of a survivor the share of its seed, of the others that of their key: never both, and only once.

        Raises InconsistentSurvivorsError unless as many silos as the threshold were told of the same survivors.
        """
        turn = self._at("confirm", "reveal")
        agreed = {
            o for o, proof in confirmations.items()
            if o in turn.survivors - {self.number} and hmac.compare_digest(proof, self._proof(turn, o, self.number))
        }  # fmt: skip
        if len(agreed) < len(confirmations) or 1 + len(agreed) < turn.round.threshold:
            raise InconsistentSurvivorsError(
                f"silo {self.number} has proof of {1 + len(agreed)} silos that know the same survivors, of "
                f"{1 + len(confirmations)} that answered; {turn.round.threshold} must, and none may differ"
            )
        seeds = {o: shares[1] for o, shares in turn.held.items() if o in turn.survivors}
        keys = {o: shares[0] for o, shares in turn.held.items() if o not in turn.survivors}
        self._turn = None
        return Revealed(seeds, keys)

    def _at(self, stage: str, following: str) -> _Turn:
        """The turn, moved on. A step that was done, or is not due, is refused: a second answer could unmask."""
        if self._turn is None or self._turn.stage != stage:
            raise ReplayedRoundError(f"silo {self.number} was asked to {following} out of turn and answers once only")
        self._turn.stage = following
        return self._turn

    def _require_known(self, openings: Mapping[int, Opening]) -> None:
        if not openings.keys() <= self._secrets.keys() | {self.number} or self.number not in openings:
            raise ForgedMessageError(f"silo {self.number} was shown silos that are not on its roster")
        for opening in openings.values():
            require_length(len(opening.key), KEY_BYTES, "a mask key")

    def _pair_seed(self, turn: _Turn, other: int) -> bytes:
        low, high = sorted((self.number, other))
        return masks.agree(turn.mask_key, turn.openings[other].key, turn.round.context("mask", low, high))

    def _use(self, turn: _Turn, use: str, sender: int, receiver: int) -> bytes:
        """A key of a pair for one use, direction and round."""
        other = receiver if sender == self.number else sender
        return hmac.digest(self._secrets[other], turn.round.context(use, sender, receiver), "sha256")

    def _seal(self, turn: _Turn, receiver: int, of_key: int, of_seed: int) -> bytes:
        text = of_key.to_bytes(SHARE_BYTES, "big") + of_seed.to_bytes(SHARE_BYTES, "big")
        cipher = _cipher(self._use(turn, "shares", self.number, receiver))
        return cipher.encrypt(_NONCE, text, _bound(turn, self.number, receiver))

    def _unseal(self, turn: _Turn, sender: int, sealed: bytes) -> tuple[int, int]:
        from cryptography.exceptions import InvalidTag

        require_length(len(sealed), SEALED_BYTES, f"the sealed shares of silo {sender}")
        try:
            cipher = _cipher(self._use(turn, "shares", sender, self.number))
            text = cipher.decrypt(_NONCE, sealed, _bound(turn, sender, self.number))
        except InvalidTag:
            raise ForgedMessageError(
                f"what silo {self.number} got as shares of silo {sender} is not from it, or not of this round"
            ) from None
        return int.from_bytes(text[:SHARE_BYTES], "big"), int.from_bytes(text[SHARE_BYTES:], "big")

    def _proof(self, turn: _Turn, sender: int, receiver: int) -> bytes:
        told = struct.pack(f"!{len(turn.survivors)}I", *sorted(turn.survivors))
        return hmac.digest(self._use(turn, "survivors", sender, receiver), told, "sha256")


_NONCE = bytes(12)  # every key seals one message


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _bound(turn: _Turn, sender: int, receiver: int) -> bytes:
    """Both mask keys and the commitment: who changes one on the way is found out before anything is masked."""
    mine, other = turn.openings[sender], turn.openings[receiver]
    return mine.key + mine.commitment + other.key + other.commitment


def _require_enough(n: int, round_: Round, did: str) -> None:
    if n < round_.threshold:
        raise TooFewSilosError(f"{n} silos {did} in round {round_.number}; {round_.threshold} must, or it is refused")
