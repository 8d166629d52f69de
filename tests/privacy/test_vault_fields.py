"""Values sealed under data keys: they open for their subject and field, and for nothing else, whatever was changed."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.errors import VaultKeyMismatchError
from privacy.vault import DataKey
from privacy.vault.errors import ForgottenSubjectError
from privacy.vault.fields import HEADER_BYTES, bound_to, seal_fields, unseal_fields

SUBJECTS = ("user-1", "user-2", "ü\ud800", "")
REFUSED = (VaultKeyMismatchError, ForgottenSubjectError)


@cache
def keys() -> dict[str, DataKey]:
    return {subject: DataKey.of(bytes([n]) * 38) for n, subject in enumerate(SUBJECTS)}


def column(values: list[bytes | None]) -> pa.Array:
    return pa.array(values, pa.binary())


def seal(values: list[bytes | None], subjects: list[str], field: str = "/data/prompt") -> pa.Array:
    return seal_fields(column(values), pa.array(subjects).dictionary_encode().cast(pa.string()), field, keys())


VALUES = st.lists(st.tuples(st.binary(max_size=40) | st.none(), st.sampled_from(SUBJECTS[:2])), max_size=8)


@settings(deadline=None)  # the first example loads Arrow
@given(rows=VALUES)
def test_what_was_sealed_comes_back(rows: list[tuple[bytes | None, str]]) -> None:
    values, subjects = [row[0] for row in rows], [row[1] for row in rows]
    sealed = seal(values, subjects) if rows else column([])
    assert sealed.null_count == values.count(None)
    assert unseal_fields(sealed, pa.array(subjects, pa.string()), "/data/prompt", keys()).to_pylist() == values


@settings(deadline=None)  # the first example loads Arrow
@given(value=st.binary(max_size=40), place=st.integers(0), bit=st.integers(0, 7))
def test_one_changed_bit_is_refused(value: bytes, place: int, bit: int) -> None:
    sealed = bytearray(seal([value], ["user-1"])[0].as_py())
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(REFUSED):
        unseal_fields(column([bytes(sealed)]), pa.array(["user-1"]), "/data/prompt", keys())


@settings(deadline=None)  # the first example loads Arrow
@given(value=st.binary(max_size=40), cut=st.integers(0, 80))
def test_a_shortened_value_is_refused(value: bytes, cut: int) -> None:
    sealed = seal([value], ["user-1"])[0].as_py()
    with pytest.raises(REFUSED):
        unseal_fields(column([sealed[: cut % len(sealed)]]), pa.array(["user-1"]), "/data/prompt", keys())


@settings(deadline=None)  # the first example loads Arrow
@given(value=st.binary(max_size=40))
def test_another_subject_is_refused_even_with_the_header_of_its_key(value: bytes) -> None:
    sealed = seal([value], ["user-1"])[0].as_py()
    forged = seal([b""], ["user-2"])[0].as_py()[:HEADER_BYTES] + sealed[HEADER_BYTES:]
    for moved in (sealed, forged):
        with pytest.raises(REFUSED):
            unseal_fields(column([moved]), pa.array(["user-2"]), "/data/prompt", keys())


def test_another_field_is_refused() -> None:
    with pytest.raises(VaultKeyMismatchError, match="/data/response"):
        unseal_fields(seal([b"text"], ["user-1"]), pa.array(["user-1"]), "/data/response", keys())


def test_the_same_subject_under_a_shared_key_would_still_be_told_apart() -> None:
    """The subject is authenticated by itself: one key given to two subjects does not let values be exchanged."""
    shared = dict.fromkeys(("user-1", "user-2"), keys()["user-1"])
    sealed = seal_fields(column([b"text"]), pa.array(["user-1"]), "f", shared)
    with pytest.raises(VaultKeyMismatchError):
        unseal_fields(sealed, pa.array(["user-2"]), "f", shared)


def test_field_and_subject_cannot_flow_into_each_other() -> None:
    assert bound_to("bc", "a") != bound_to("c", "ab")


def test_a_value_whose_key_is_gone_is_null_only_where_asked_for() -> None:
    sealed = seal([b"a", b"b"], ["user-1", "user-2"])
    left = {"user-2": keys()["user-2"]}
    subjects = pa.array(["user-1", "user-2"])
    with pytest.raises(ForgottenSubjectError):
        unseal_fields(sealed, subjects, "/data/prompt", left)
    opened = unseal_fields(sealed, subjects, "/data/prompt", left, forgotten_as_null=True)
    assert opened.to_pylist() == [None, b"b"]
    with pytest.raises(VaultKeyMismatchError):
        unseal_fields(column([b"x"]), pa.array(["user-1"]), "/data/prompt", left, forgotten_as_null=True)


def test_a_value_without_a_subject_is_refused() -> None:
    for subjects in (pa.array([None], pa.string()), pa.array(["stranger"])):
        with pytest.raises(KeyError):
            seal_fields(column([b"a"]), subjects, "f", keys())


def test_nonces_are_drawn_in_one_call_and_never_repeat() -> None:
    drawn: list[int] = []

    def draw(n: int) -> bytes:
        drawn.append(n)
        return bytes(i // 12 % 256 for i in range(n))

    values = column([b"same"] * 50)
    sealed = seal_fields(values, pa.array(["user-1"] * 50), "f", keys(), draw=draw)
    assert drawn == [600]
    assert len(set(sealed.to_pylist())) == 50


def test_text_and_chunks_are_taken_too() -> None:
    values = pa.chunked_array([["ä"], ["b", None]])
    subjects = pa.chunked_array([["user-1", "user-2"], ["user-1"]])
    sealed = seal_fields(values, subjects, "f", keys())
    assert unseal_fields(sealed, subjects, "f", keys()).to_pylist() == ["ä".encode(), b"b", None]
