"""Texts made safe for JSON, CSV and markup, a whole column at a time. Nothing is lost: each way has an inverse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from privacy.exports.columns import content, joined

if TYPE_CHECKING:
    import pyarrow as pa

CONTROLS = r"[\x00-\x1f]"
# XML 1.0 section 2.2 forbids these, and both XML and HTML parsers turn a carriage return into a line feed.
NONCHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")  # U+FFFE and U+FFFF
UNSPEAKABLE = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]"


def json_strings(values: pa.Array) -> pa.Array:
    """Each text as a JSON string with its quotes (RFC 8259); nulls stay null."""
    import pyarrow.compute as pc

    data = _bytes_of(values)
    quoted = joined('"', _replaced(_replaced(values, data, "\\", "\\\\"), data, '"', '\\"'), '"')
    return _with_exact(quoted, values, pc.match_substring_regex(values, CONTROLS)) if _has_controls(data) else quoted


def csv_fields(values: pa.Array) -> pa.Array:
    """Each text in quotes (RFC 4180), so that an empty text differs from no value; nulls stay null."""
    return joined('"', _replaced(values, _bytes_of(values), '"', '""'), '"')


def markup(values: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Each text for XML or HTML, and which of them (None: none) are JSON strings because markup cannot hold them."""
    import pyarrow.compute as pc

    data, is_json = _bytes_of(values), None
    if _has_controls(data) or any(character in data for character in NONCHARACTERS):
        is_json = pc.fill_null(pc.match_substring_regex(values, UNSPEAKABLE), False)
        values = _with_exact(values, values, is_json, ascii_only=True)
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        values = _replaced(values, data, plain, entity)
    return values, is_json


def _bytes_of(values: pa.Array) -> bytes:
    """All texts of a column in a row: searched at the speed of memory, and most columns need no escape at all."""
    return bytes(content(values))


def _has_controls(data: bytes) -> bool:
    import numpy as np

    return bool(np.frombuffer(data, np.uint8).min(initial=0xFF) < 0x20)


def _replaced(values: pa.Array, data: bytes, plain: str, escape: str) -> pa.Array:
    import pyarrow.compute as pc

    return pc.replace_substring(values, plain, escape) if plain.encode() in data else values


def speakable(text: str) -> str:
    """One text for markup, not yet escaped: a JSON string where it holds what markup cannot."""
    return (
        json.dumps(text)
        if re.search(UNSPEAKABLE.replace("x{fffe}", "ufffe").replace("x{ffff}", "uffff"), text)
        else text
    )


def _with_exact(fast: pa.Array, values: pa.Array, mask: pa.Array, *, ascii_only: bool = False) -> pa.Array:
    """`fast`, with the few values of the mask escaped one by one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = pc.fill_null(mask, False)
    exact = [json.dumps(value, ensure_ascii=ascii_only) for value in values.filter(mask).to_pylist()]
    return pc.replace_with_mask(fast, mask, pa.array(exact, pa.string()))
