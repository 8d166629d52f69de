"""Shamir's secret sharing of 32-byte secrets over a prime field (Shamir 1979, CACM 22:11). Arithmetic only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

PRIME = 2**256 + 297  # the least prime above every 32-byte secret
SHARE_BYTES = 33
Entropy = Callable[[int], bytes]  # n -> n random bytes: secrets.token_bytes outside tests


def split(secret: bytes, holders: Sequence[int], threshold: int, entropy: Entropy) -> dict[int, int]:
    """One share per holder (distinct numbers above 0); any `threshold` of them give the secret, fewer say nothing."""
    coefficients = [int.from_bytes(secret, "big"), *(_below_prime(entropy) for _ in range(threshold - 1))]
    return {x: _evaluate(coefficients, x) for x in holders}


def weights(holders: Sequence[int]) -> dict[int, int]:
    """The factor of each holder's share in the secret: Lagrange's polynomials at zero. They serve every secret."""
    found = {}
    for x in holders:
        top = bottom = 1
        for other in holders:
            if other != x:
                top = top * other % PRIME
                bottom = bottom * (other - x) % PRIME
        found[x] = top * pow(bottom, -1, PRIME) % PRIME
    return found


def join(shares: Mapping[int, int], factors: Mapping[int, int]) -> bytes:
    """The secret of these shares; `factors` are the weights of exactly their holders. OverflowError: no such secret."""
    return (sum(factors[x] * share for x, share in shares.items()) % PRIME).to_bytes(32, "big")


def _evaluate(coefficients: Sequence[int], x: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % PRIME
    return value


def _below_prime(entropy: Entropy) -> int:
    """A uniform element: 64 surplus bytes leave a bias below 2^-255."""
    return int.from_bytes(entropy(64), "big") % PRIME
