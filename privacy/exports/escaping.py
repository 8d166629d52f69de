"""Texts made safe for JSON, CSV and markup, a whole column at a time. Nothing is lost: each way has an inverse."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

CONTROLS = r"[\x00-\x1f]"
# XML 1.0 section 2.2 forbids these, and both XML and HTML parsers turn a carriage return into a line feed.
UNSPEAKABLE = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]"


def json_strings(values: pa.Array) -> pa.Array:
    """Each text as a JSON string with its quotes (RFC 8259); nulls stay null."""
    import pyarrow.compute as pc

    from privacy.exports.columns import joined

    held = _Held.by(values)
    escaped = _replaced(_replaced(values, held, "\\", "\\\\"), held, '"', '\\"')
    quoted = joined('"', escaped, '"')
    return _with_exact(quoted, values, pc.match_substring_regex(values, CONTROLS)) if held.controls else quoted


def csv_fields(values: pa.Array) -> pa.Array:
    """Each text in quotes (RFC 4180), so that an empty text differs from no value; nulls stay null."""
    from privacy.exports.columns import joined

    return joined('"', _replaced(values, _Held.by(values), '"', '""'), '"')


def markup(values: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Each text for XML or HTML, and which of them (None: none) are JSON strings because markup cannot hold them."""
    import pyarrow.compute as pc

    held = _Held.by(values)
    is_json = None
    if held.controls or held.noncharacters:
        is_json = pc.fill_null(pc.match_substring_regex(values, UNSPEAKABLE), False)
        values = _with_exact(values, values, is_json, ascii_only=True)
        held = _Held.by(values)
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        values = _replaced(values, held, plain, entity)
    return values, is_json


@dataclass(frozen=True, slots=True)
class _Held:
    """What the bytes of a whole column hold, found at the speed of memory: most columns need no escape at all."""

    data: bytes
    controls: bool
    noncharacters: bool

    @classmethod
    def by(cls, values: pa.Array) -> _Held:
        import numpy as np

        from privacy.exports.columns import content

        data = bytes(content(values))
        controls = bool(data) and bool((np.frombuffer(data, np.uint8) < 0x20).any())
        return cls(data, controls, b"\xef\xbf\xbe" in data or b"\xef\xbf\xbf" in data)


def _replaced(values: pa.Array, held: _Held, plain: str, escape: str) -> pa.Array:
    import pyarrow.compute as pc

    return pc.replace_substring(values, plain, escape) if plain.encode() in held.data else values


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
