"""A reversible escape for U+0000, which PostgreSQL can hold neither in text nor in jsonb. Nothing else is changed.

U+0000 becomes U+001A followed by "0", and U+001A (SUBSTITUTE) itself becomes U+001A followed by "1".
"""

from __future__ import annotations

from typing import Any

_MARK = "\x1a"


def encode_text(text: str) -> str:
    """Text without U+0000 from which `decode_text` gives the original back."""
    return text.replace(_MARK, _MARK + "1").replace("\x00", _MARK + "0")


def decode_text(text: str) -> str:
    """The original of `encode_text`."""
    return text.replace(_MARK + "0", "\x00").replace(_MARK + "1", _MARK)


def encode_value(value: Any) -> Any:
    """A JSON value with every string and key escaped. Raises RecursionError on very deep nesting."""
    return _walk(value, encode_text)


def decode_value(value: Any) -> Any:
    """The original of `encode_value`."""
    return _walk(value, decode_text)


def _walk(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _walk(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    return value
