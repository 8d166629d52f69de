"""CSV files of an export, one a table (RFC 4180). Values are quoted; nothing between two commas is no value."""

from __future__ import annotations

from collections.abc import Iterator

from privacy.exports.columns import content, joined
from privacy.exports.escaping import csv_fields
from privacy.exports.spool import Spooled


def table_file(table: Spooled) -> Iterator[bytes | memoryview]:
    """The header, then the rows. Open it as text: a spreadsheet may take a value that begins with = for a formula."""
    yield ",".join('"' + column.name.replace('"', '""') + '"' for column in table.columns).encode() + b"\r\n"
    for batch in table.batches():
        parts: list[object] = []
        for number in range(len(table.columns)):
            parts += ["," if number else "", csv_fields(batch[number])]
        yield content(joined(*parts, "\r\n", nulls_empty=True))
