from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collection.escapes import decode_text, decode_value, encode_text, encode_value

TEXT = st.text(alphabet=st.sampled_from("\x00\x1a01ab") | st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)


@given(TEXT)
def test_text_comes_back_and_holds_no_nul(text: str) -> None:
    assert "\x00" not in encode_text(text)
    assert decode_text(encode_text(text)) == text


@given(JSON)
def test_values_come_back(value: Any) -> None:
    assert decode_value(encode_value(value)) == value


def test_ordinary_text_is_untouched() -> None:
    assert encode_text("plain ü 漢") == "plain ü 漢"
