"""Additive secret sharing mod 2^64: a vector as pieces that are each random, and add up to it. No network.

All pieces but one are stretched from seeds (AES-256 in counter mode), so that 32 bytes are sent in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

Words = NDArray[np.uint64]
SEED_BYTES = 32
_BLOCK = 16


def remainder(vector: Words, seeds: Iterable[bytes]) -> Words:
    """The piece that makes the pieces of the seeds add up to the vector: (n,)."""
    rest = vector.copy()
    for seed in seeds:
        np.subtract(rest, stretch(seed, len(vector)), out=rest)
    return rest


def added(pieces: Iterable[Words], n: int) -> Words:
    """The sum of pieces mod 2^64: (n,)."""
    total = np.zeros(n, np.uint64)
    for piece in pieces:
        np.add(total, piece, out=total)
    return total


def stretch(seed: bytes, n: int) -> Words:
    """n words from a seed that serves nothing else: (n,)."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    stream = bytearray(8 * n + _BLOCK - 1)
    Cipher(algorithms.AES(seed), modes.CTR(bytes(_BLOCK))).encryptor().update_into(bytes(8 * n), stream)
    return np.frombuffer(stream, dtype="<u8", count=n).astype(np.uint64, copy=False)


def to_bytes(words: Words) -> bytes:
    """Words as they are sent, the lowest byte first."""
    return words.astype("<u8", copy=False).tobytes()


def from_bytes(body: bytes | memoryview) -> Words:
    """Words as they were sent. ValueError for a length that is no multiple of eight."""
    return np.frombuffer(body, dtype="<u8").astype(np.uint64, copy=False)


def taker_of_remainder(party: int, n_parties: int) -> int:
    """Who gets the long piece of a party: the next one, so that everybody sends and gets one."""
    return (party + 1) % n_parties


def seeds_for(party: int, n_parties: int, random: bytes) -> Mapping[int, bytes]:
    """A seed of 32 of the random bytes for every party but the one that takes the remainder, this one included."""
    takers = [other for other in range(n_parties) if other != taker_of_remainder(party, n_parties)]
    return {other: random[i * SEED_BYTES : (i + 1) * SEED_BYTES] for i, other in enumerate(takers)}
