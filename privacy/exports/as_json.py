"""The JSON file of an export, in chunks of bytes. JSON columns stand in it as they are, with all digits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from privacy.exports.columns import Column, content, joined
from privacy.exports.contents import Contents, about
from privacy.exports.escaping import json_strings

if TYPE_CHECKING:
    import pyarrow as pa


def document(contents: Contents) -> Iterator[bytes | memoryview]:
    """{"about": ..., "tables": {name: [row, ...]}}: one row a line."""
    yield b'{"about": ' + json.dumps(about(contents), ensure_ascii=False).encode() + b',\n"tables": {'
    for number, table in enumerate(contents.tables):
        yield b"," * (number > 0) + b"\n" + json.dumps(table.name).encode() + b": [\n"
        is_first = True
        for batch in table.batches():
            yield b"" if is_first else b",\n"
            yield _rows(batch, table.columns)
            is_first = False
        yield b"\n]"
    yield b"\n}}\n"


def _rows(batch: pa.RecordBatch, columns: tuple[Column, ...]) -> memoryview:
    """One object a row, with a comma and a line end between them."""
    parts: list[pa.Array | str] = []
    for number, column in enumerate(columns):
        parts += [f"{', ' if number else '{'}{json.dumps(column.name)}: ", _values(batch[number], column.kind)]
    rows = joined(*parts, "},\n")
    return content(rows)[: -len(",\n")]


def _values(written: pa.Array, kind: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "number":
        is_finite = pc.invert(pc.is_in(written, pa.array(["nan", "inf", "-inf"])))
        written = pc.if_else(is_finite, written, joined('"', written, '"'))
        # Readers take -0 for an integer, which has no sign at nought.
        written = pc.if_else(pc.equal(written, "-0"), "-0.0", written)
    elif kind not in ("integer", "boolean", "json"):
        written = json_strings(written)
    return pc.fill_null(written, "null")
