"""The XML file of an export (XML 1.0, UTF-8). A field that a row lacks has no value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from privacy.exports.columns import Column, content, joined
from privacy.exports.contents import Contents, about
from privacy.exports.escaping import markup, speakable

if TYPE_CHECKING:
    import pyarrow as pa


def document(contents: Contents) -> Iterator[bytes | memoryview]:
    """<export> with <about> and one <table> each; <field encoding="json"> holds what XML cannot, as a JSON string."""
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<export>\n'
    yield _element("about", about(contents)).encode() + b"\n"
    for table in contents.tables:
        yield f"<table name={quoteattr(table.name)}>\n".encode()
        for batch in table.batches():
            yield _rows(batch, table.columns)
        yield b"</table>\n"
    yield b"</export>\n"


def _rows(batch: pa.RecordBatch, columns: tuple[Column, ...]) -> memoryview:
    fields = [_fields(batch[number], column) for number, column in enumerate(columns)]
    return content(joined("<row>", *fields, "</row>\n", nulls_empty=True))


def _fields(values: pa.Array, column: Column) -> pa.Array:
    """<field name="...">text</field> of every value; null where there is none."""
    import pyarrow.compute as pc

    name = quoteattr(column.name)
    written, is_json = markup(values)
    opening = f"<field name={name}>"
    if is_json is not None:
        return joined(pc.if_else(is_json, f'<field name={name} encoding="json">', opening), written, "</field>")
    return joined(opening, written, "</field>")


def _element(name: str, value: Any) -> str:
    """Plain data as elements; the items of a list are called item. Keys are words of this package."""
    if isinstance(value, dict):
        inner = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, list):
        inner = "".join(_element("item", item) for item in value)
    else:
        inner = escape(speakable(str(value)))
    return f"<{name}>{inner}</{name}>"
