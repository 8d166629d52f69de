"""Pieces add up to the vector, and all but one of them say nothing about it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from privacy.multi_party import shares
from tests.privacy.multi_party.gathering import random


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=9), st.integers(3, 9), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_pieces_add_up_to_the_vector(values: list[int], n: int, seed: int) -> None:
    vector = np.array(values, dtype=np.int64).view(np.uint64)
    seeds = shares.seeds_for(1, n, random(seed)(32 * (n - 1)))
    assert seeds.keys() == set(range(n)) - {2 % n}
    pieces = [shares.remainder(vector, seeds.values()), *(shares.stretch(s, len(vector)) for s in seeds.values())]
    assert shares.added(pieces, len(vector)).tolist() == vector.tolist()
    assert shares.added(pieces[1:], len(vector)).tolist() != vector.tolist()


def test_each_piece_of_a_vector_of_zeros_is_uniform() -> None:
    seeds = shares.seeds_for(0, 3, random(1)(64))
    pieces = [shares.remainder(np.zeros(20_000, np.uint64), seeds.values()), shares.stretch(seeds[0], 20_000)]
    for piece in pieces:
        assert stats.chisquare(np.bincount(piece.view(np.uint8), minlength=256)).pvalue > 1e-7


def test_everybody_takes_one_remainder() -> None:
    for n in (3, 4, 7):
        assert sorted(shares.taker_of_remainder(party, n) for party in range(n)) == list(range(n))


def test_words_survive_the_wire() -> None:
    words = np.array([0, 1, 2**64 - 1], dtype=np.uint64)
    assert shares.from_bytes(shares.to_bytes(words)).tolist() == words.tolist()
    with pytest.raises(ValueError, match="multiple"):
        shares.from_bytes(b"x" * 9)
