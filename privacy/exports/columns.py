"""Types of exported values: how each is read from PostgreSQL, kept in Arrow, and written as text. Pure.

The text of a value is the same in every format, so that nothing depends on which one a person opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

TYPE_KEY = b"lethe.type"
# PostgreSQL type -> (type in the export, expression to select). Others are written as PostgreSQL's own text.
READ_AS = {
    "bool": ("boolean", "{}"),
    "int2": ("integer", "{}"),
    "int4": ("integer", "{}"),
    "int8": ("integer", "{}"),
    "float4": ("number", "{}::float8"),
    "float8": ("number", "{}"),
    "numeric": ("decimal", "{}::text"),
    "timestamptz": ("timestamp", "{}"),
    "date": ("date", "{}"),
    "json": ("json", "{}::text"),
    "jsonb": ("json", "{}::text"),
    "bytea": ("bytes", "encode({}, 'hex')"),
    "text": ("text", "{}"),
}
MEANINGS = {
    "text": "Unicode text",
    "integer": "whole number",
    "number": "binary floating-point number (IEEE 754, 64 bit); NaN, inf and -inf are written so",
    "decimal": "decimal number with all its digits, written as text",
    "boolean": "true or false",
    "timestamp": "moment in UTC, ISO 8601 with microseconds",
    "date": "day, ISO 8601",
    "json": "JSON document",
    "bytes": "bytes as hexadecimal digits",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an exported table; kind is a key of MEANINGS."""

    name: str
    kind: str


def reading(name: str, pg_type: str, category: str) -> tuple[Column, str]:
    """The column of a PostgreSQL type and the expression that selects it; arrays and composites become JSON."""
    if category in ("A", "C"):
        return Column(name, "json"), "to_jsonb({})::text"
    kind, expression = READ_AS.get(pg_type, ("text", "{}::text"))
    return Column(name, kind), expression


def schema_of(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema of columns, with each type noted in its field."""
    import pyarrow as pa

    types = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", "UTC"),
        "date": pa.date32(),
    }
    return pa.schema(
        [pa.field(c.name, types.get(c.kind, pa.string()), metadata={TYPE_KEY: c.kind.encode()}) for c in columns]
    )


def texts(values: pa.Array, kind: str) -> pa.Array:
    """The text of every value (string array, nulls stay null)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "timestamp":
        # All are of UTC: without the zone Arrow needs no calendar of it, which takes it thirty times as long.
        plain = pc.binary_replace_slice(values.cast(pa.timestamp("us")).cast(pa.string()), 10, 11, "T")
        return joined(plain, "Z")
    if kind in ("integer", "number", "boolean", "date"):
        return values.cast(pa.string())
    return values


def joined(*parts: Any, nulls_empty: bool = False) -> pa.Array:
    """Texts side by side, row by row; a null makes the whole null, or counts as empty."""
    import pyarrow.compute as pc

    if nulls_empty:
        return pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")
    return pc.binary_join_element_wise(*parts, "")


def content(rows: pa.Array) -> memoryview:
    """The bytes of all texts of an array in a row, without a copy. The array must hold no null."""
    import numpy as np

    offsets = np.frombuffer(rows.buffers()[1], np.int32)[rows.offset : rows.offset + len(rows) + 1]
    data = rows.buffers()[2]
    return memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None and len(rows) else memoryview(b"")
