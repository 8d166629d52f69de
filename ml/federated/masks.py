"""Masks: a 32-byte seed stretched to a vector of 64-bit words, and keys that two silos agree on. No protocol.

X25519 (RFC 7748), HKDF-SHA256 (RFC 5869), AES-256 in counter mode. A seed is used for one vector only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.federated.errors import ForgedMessageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

Words = NDArray[np.uint64]  # integers mod 2^64: numpy's own arithmetic wraps around
_BLOCK = 16


def stretch(seed: bytes, n: int) -> Words:
    """n words from a seed that serves nothing else: (n,)."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    stream = bytearray(8 * n + _BLOCK - 1)
    Cipher(algorithms.AES(seed), modes.CTR(bytes(_BLOCK))).encryptor().update_into(bytes(8 * n), stream)
    return np.frombuffer(stream, dtype="<u8", count=n).astype(np.uint64, copy=False)


def add_pairwise(total: Words, own: int, seeds: dict[int, bytes]) -> None:
    """Add the masks shared with others in place: with the lower number plus, with the higher minus, so they cancel."""
    for other, seed in seeds.items():
        if own < other:
            np.add(total, stretch(seed, len(total)), out=total)
        else:
            np.subtract(total, stretch(seed, len(total)), out=total)


def private_key(raw: bytes) -> X25519PrivateKey:
    """The X25519 key of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(raw)


def public_bytes(key: X25519PrivateKey) -> bytes:
    """The 32 bytes that others may know."""
    return key.public_key().public_bytes_raw()


def agree(key: X25519PrivateKey, other: bytes, context: bytes) -> bytes:
    """The 32-byte secret of two silos for one use; `context` names the use. ForgedMessageError for a degenerate key."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError:
        raise ForgedMessageError("a public key is no point that hides anything; it is refused") from None
    return HKDF(SHA256(), 32, salt=None, info=b"lethe federated " + context).derive(shared)
