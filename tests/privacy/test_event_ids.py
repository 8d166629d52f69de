"""Event ids are AES-CMAC as the library and RFC 4493 compute it, and sort by day, then id."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from privacy.event_ids import BLOCK, cmac, event_ids, hexadecimal, order_by_day_and_id

# RFC 4493 section 4: AES-128, messages of 0 and 16 bytes that are UTF-8 text there.
RFC_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
KEY = bytes(range(32))


def oracle(key: bytes, message: bytes) -> bytes:
    code = CMAC(AES(key))
    code.update(message)
    return code.finalize()


def test_the_empty_message_of_the_standard() -> None:
    assert cmac(RFC_KEY, pa.array([""])).tobytes().hex() == "bb1d6929e95937287fa37d129b756746"


@given(st.lists(st.text(max_size=70), max_size=30), st.integers(0, 5))
def test_every_length_agrees_with_the_library(texts: list[str], start: int) -> None:
    column = pa.array(["left out"] * start + texts, pa.string()).slice(start)  # an offset into the buffers
    assert [bytes(made) for made in cmac(KEY, column)] == [oracle(KEY, text.encode()) for text in texts]


def test_long_and_short_ids_together() -> None:
    texts = ["x" * n for n in (0, 1, 15, 16, 17, 31, 32, 33, 100_000)] * 3
    assert [bytes(made) for made in cmac(KEY, pa.array(texts))] == [oracle(KEY, text.encode()) for text in texts]


def test_an_id_belongs_to_its_source_and_purpose() -> None:
    pairs = [("a", "x"), ("b", "x"), ("a\x1fb", "x"), ("a", "b\x1fx"), ("a", "x")]
    made = {}
    for key in (KEY, bytes(32)):
        sources, ids = (pa.array(column) for column in zip(*pairs, strict=True))
        made[key] = hexadecimal(event_ids(key, sources.dictionary_encode(), ids)).to_pylist()
        assert made[key][0] == made[key][4]
        assert len(set(made[key])) == len(pairs) - 1
    assert not set(made[KEY]) & set(made[bytes(32)])


def test_an_id_does_not_depend_on_its_neighbours() -> None:
    alone = event_ids(KEY, pa.array(["a"]).dictionary_encode(), pa.array(["x"]))
    among = event_ids(KEY, pa.array(["c", "a", "b", "a"]).dictionary_encode(), pa.array(["x", "y", "x", "x"]))
    assert among[3].tobytes() == alone[0].tobytes()


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from("\0\x01\xff"), st.binary(min_size=2, max_size=2))))
def test_positions_sort_by_day_and_id(rows: list[tuple[int, str, bytes]]) -> None:
    """Heads of few kinds make ties in the first half of the id."""
    made = [(day, head.encode("latin-1") * (BLOCK - 2) + tail) for day, head, tail in rows]
    days = np.array([day for day, _ in made], dtype=np.int32)
    ids = np.frombuffer(b"".join(each for _, each in made), np.uint8).reshape(-1, BLOCK)
    assert [made[at] for at in order_by_day_and_id(days, ids)] == sorted(made)


@pytest.mark.parametrize("n", [0, 1, 300])
def test_hexadecimal_digits_are_those_of_the_bytes(n: int) -> None:
    ids = np.random.default_rng(n).integers(0, 256, (n, BLOCK), dtype=np.uint8)
    made = hexadecimal(ids)
    made.validate(full=True)
    assert made.to_pylist() == [each.tobytes().hex() for each in ids]
