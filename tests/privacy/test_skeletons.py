"""The count of keys against a JSON parser: a row with an unknown key is never passed over."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.skeletons import BLOCK, key_colons, rows_to_look_at

TEXT = st.text(st.sampled_from('a": \\\t!é:{}'), max_size=5)
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (",", " :"), (",\n", "\t:\r\n")])


def n_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(n_keys, value.values()))
    return sum(map(n_keys, value)) if isinstance(value, list) else 0


def counted(texts: list[str]) -> list[int]:
    lengths = [len(text.encode()) for text in texts]
    content = np.frombuffer("".join(texts).encode(), np.uint8)
    return list(key_colons(content, np.cumsum([0, *lengths], dtype=np.int64)))


@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=8), SEPARATORS, st.booleans())
def test_no_key_is_missed(rows: list[dict[str, Any]], separators: tuple[str, str], ascii_only: bool) -> None:
    texts = [json.dumps(row, separators=separators, ensure_ascii=ascii_only) for row in rows]
    assert all(found >= n_keys(row) for found, row in zip(counted(texts), rows, strict=True))


@pytest.mark.parametrize("length", [BLOCK - 3, BLOCK - 2, BLOCK - 1, BLOCK])
def test_a_key_across_a_block_is_counted(length: int) -> None:
    texts = ['{"' + "a" * (length - 2) + '":1}', '{"b":2}']
    assert counted(texts) == [1, 1]


def test_rows_without_other_keys_are_left_alone() -> None:
    texts = ['{"plan":"a:b"}', '{"plan":1,"x":2}', "{}", "[1]", None, '{"plan": {"y":1}}', "null"]
    n_known = np.array([1, 1, 0, 0, 0, 1, 0], dtype=np.int32)
    for column in (pa.array(texts), pa.array(["x", *texts]).slice(1)):
        assert rows_to_look_at(column, n_known).tolist() == [1, 3, 5, 6]
    assert rows_to_look_at(pa.array(["{}", None]), None).tolist() == []
