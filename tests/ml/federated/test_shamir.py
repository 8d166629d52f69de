"""Any threshold of shares gives the secret; fewer fit every secret alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.federated import shamir
from tests.ml.federated.circle import entropy


@given(st.binary(min_size=32, max_size=32), st.integers(1, 6), st.integers(0, 4), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_any_threshold_of_shares_gives_the_secret(secret: bytes, threshold: int, more: int, order: object) -> None:
    holders = [3 * n + 1 for n in range(threshold + more)]
    shares = shamir.split(secret, holders, threshold, entropy(1))
    order.shuffle(holders)  # type: ignore[attr-defined]
    chosen = holders[: threshold + more // 2]
    assert shamir.join({h: shares[h] for h in chosen}, shamir.weights(chosen)) == secret


def test_one_share_too_few_fits_every_secret() -> None:
    """With two of three shares known, each third share gives another secret: what is known excludes none."""
    shares = shamir.split(b"s" * 32, [1, 2, 3], 3, entropy(2))
    factors, top = shamir.weights([1, 2, 3]), shamir.PRIME - 1
    known = shares[1] * factors[1] + shares[2] * factors[2]
    for wish in (0, 1, 2**255, int.from_bytes(b"s" * 32, "big")):
        third = (wish - known) * pow(factors[3], -1, shamir.PRIME) % shamir.PRIME
        assert shamir.join({1: shares[1], 2: shares[2], 3: third}, factors) == wish.to_bytes(32, "big")
    assert top % 2 == 0


def test_shares_of_a_secret_are_drawn_anew() -> None:
    draw = entropy(3)
    first, second = (shamir.split(b"s" * 32, [1, 2, 3], 2, draw) for _ in range(2))
    assert not set(first.values()) & set(second.values())


def test_a_changed_share_gives_another_secret() -> None:
    shares = shamir.split(b"s" * 32, [1, 2], 2, entropy(4))
    assert shamir.join(shares | {1: shares[1] ^ 1}, shamir.weights([1, 2])) != b"s" * 32


def test_the_field_is_a_prime_field() -> None:
    """Miller and Rabin's test to 24 bases: a composite passes with a chance below 4^-24."""
    odd, twos = shamir.PRIME - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in range(2, 26):
        x = pow(base, odd, shamir.PRIME)
        assert x == 1 or any(pow(x, 2**i, shamir.PRIME) == shamir.PRIME - 1 for i in range(twos))


@pytest.mark.parametrize("holders", [[1, 1], [0, 1]])
def test_holders_that_share_nothing_cannot_join(holders: list[int]) -> None:
    shares = shamir.split(b"s" * 32, [1, 2, 3], 3, entropy(5))
    assert shamir.join({h: shares.get(h, 0) for h in holders}, shamir.weights(holders)) != b"s" * 32
