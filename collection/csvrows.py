"""CSV in batches: the header names the fields, every value is a text, an empty cell is an absent field."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from collection.batches import (
    BATCH_BYTES,
    BATCH_RECORDS,
    KEPT_BYTES,
    MAX_RECORD_BYTES,
    Batch,
    Place,
    too_long,
)
from collection.errors import UnknownFormatError
from collection.escapes import encode_text
from collection.records import Fault

ENVELOPE = b"csv\n"
_DELIMITERS = (",", ";", "\t", "|")
# The parser knows one limit for the whole process. It is raised once, so that no reader changes another's; what is too
# long is said by the record below.
csv.field_size_limit(2 * MAX_RECORD_BYTES)


@dataclass(slots=True)
class _LineSource:
    """Feeds physical lines to the csv parser and remembers the bytes of the record being read."""

    stream: BinaryIO
    line: int = 0
    offset: int = 0
    pieces: list[bytes] = field(default_factory=list)
    n_bytes: int = 0

    def __iter__(self) -> _LineSource:
        return self

    def __next__(self) -> str:
        if self.n_bytes > MAX_RECORD_BYTES:
            raise csv.Error("too long")
        piece = self.stream.readline(MAX_RECORD_BYTES + 1)
        if not piece:
            raise StopIteration
        if self.line == 0 and piece.startswith(b"\xef\xbb\xbf"):
            self.offset, piece = 3, piece[3:]
        self.line += 1
        self.n_bytes += len(piece)
        self.pieces.append(piece)
        return piece.decode("utf-8", "surrogateescape")

    def begin(self) -> Place:
        self.offset += self.n_bytes
        self.pieces, self.n_bytes = [], 0
        return Place(self.line + 1, self.offset)


def delimiter_of(header: str) -> str:
    """The delimiter that splits a header line into most fields; a comma where none does."""
    return max(_DELIMITERS, key=header.count)


def read_csv(stream: BinaryIO, *, delimiter: str | None = None) -> Iterator[Batch]:
    """Batches of the rows of a CSV stream. Raises UnknownFormatError when the header cannot be used."""
    source = _LineSource(stream)
    head = next(source, "")
    mark = delimiter or delimiter_of(head)
    names = _header(head, mark)
    prefix = ENVELOPE + b"".join(source.pieces).rstrip(b"\r\n") + b"\n"
    rows: list[_Row] = []
    n_bytes = 0
    for row in _rows(source, names, mark):
        rows.append(row)
        n_bytes += len(row.raw)
        if len(rows) >= BATCH_RECORDS or n_bytes >= BATCH_BYTES:
            yield _batch(rows, names, prefix)
            rows, n_bytes = [], 0
    if rows:
        yield _batch(rows, names, prefix)


@dataclass(frozen=True, slots=True)
class _Row:
    record: dict[str, Any] | None
    fault: Fault | None
    place: Place
    raw: bytes


def _header(head: str, delimiter: str) -> list[str]:
    names = next(csv.reader([head], delimiter=delimiter), [])
    if not names or any(not name for name in names) or len(set(names)) < len(names):
        raise UnknownFormatError(
            "the first line of the CSV file is no header of distinct field names: add one, one name a column"
        )
    return names


def _rows(source: _LineSource, names: list[str], delimiter: str) -> Iterator[_Row]:
    while True:
        place = source.begin()
        parser = csv.reader(source, delimiter=delimiter, strict=True)
        try:
            cells = next(parser, None)
        except csv.Error:
            yield _broken(source, place)
            continue
        if cells is None:
            return
        if source.n_bytes > MAX_RECORD_BYTES:
            yield _broken(source, place)
        elif cells:
            fault = _fault(cells, names)
            yield _Row(None if fault else _record(names, cells), fault, place, b"".join(source.pieces))


def _broken(source: _LineSource, place: Place) -> _Row:
    if source.n_bytes <= MAX_RECORD_BYTES:
        fault = Fault("bad_csv", None, "a quote is not closed, or text follows a closing quote")
        return _Row(None, fault, place, b"".join(source.pieces))
    last = source.pieces[-1]
    while last and not last.endswith(b"\n"):
        last = source.stream.readline(MAX_RECORD_BYTES)
        source.n_bytes += len(last)
        if source.n_bytes <= KEPT_BYTES + MAX_RECORD_BYTES:
            source.pieces.append(last)
    return _Row(None, too_long(source.n_bytes), place, b"".join(source.pieces)[:KEPT_BYTES])


def _fault(cells: Sequence[str], names: Sequence[str]) -> Fault | None:
    if len(cells) != len(names):
        return Fault("column_count", None, f"{len(cells)} cells under a header of {len(names)}")
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return Fault("not_utf8", None, "a cell is not UTF-8")
    return None


def _record(names: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    record = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    if any("\x00" in cell or "\x1a" in cell for cell in cells):
        return {name: encode_text(cell) for name, cell in record.items()}
    return record


def _batch(rows: list[_Row], names: list[str], prefix: bytes) -> Batch:
    return Batch(
        [row.record for row in rows],
        {i: row.fault for i, row in enumerate(rows) if row.fault},
        lambda i: rows[i].place,
        lambda i: prefix + rows[i].raw,
        frozenset(names),
    )
