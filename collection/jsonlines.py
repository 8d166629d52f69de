"""JSON Lines in batches: memory holds one batch, whatever the file's size or the length of a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from collection.batches import (
    BATCH_BYTES,
    BATCH_RECORDS,
    KEPT_BYTES,
    MAX_RECORD_BYTES,
    Batch,
    Place,
    too_long,
)
from collection.records import parse_records

_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
ENVELOPE = b"json\n"


@dataclass(slots=True)
class _Lines:
    """Lines of one batch; `cut` holds the full length of a line of which only the head was kept."""

    first_line: int
    first_offset: int
    lines: list[bytes] = field(default_factory=list)
    cut: dict[int, int] = field(default_factory=dict)
    n_bytes: int = 0

    def add(self, line: bytes, length: int) -> None:
        if length > len(line):
            self.cut[len(self.lines)] = length
        self.lines.append(line)
        self.n_bytes += length + 1

    def full(self) -> bool:
        return len(self.lines) >= BATCH_RECORDS or self.n_bytes >= BATCH_BYTES

    def after(self) -> _Lines:
        return _Lines(self.first_line + len(self.lines), self.first_offset + self.n_bytes)

    def place(self, position: int) -> Place:
        lengths = sum(self.cut.get(i, len(line)) + 1 for i, line in enumerate(self.lines[:position]))
        return Place(self.first_line + position, self.first_offset + lengths)


def read_json_lines(stream: BinaryIO) -> Iterator[Batch]:
    """Batches of the records of a JSON Lines stream; blank lines are no records."""
    for block in _blocks(stream):
        batch = _parsed(block)
        if batch.records:
            yield batch


def _parsed(block: _Lines) -> Batch:
    kept = block.lines
    positions: list[int] | range = range(len(kept))
    if any(not line or line.isspace() for line in kept):
        positions = [i for i, line in enumerate(kept) if line and not line.isspace()]
        kept = [kept[i] for i in positions]
    records, faults = parse_records(kept)
    for i, position in enumerate(positions) if block.cut else ():
        if position in block.cut:
            records[i] = None
            faults[i] = too_long(block.cut[position])
    return Batch(
        records,
        faults,
        lambda i: block.place(positions[i]),
        lambda i: ENVELOPE + block.lines[positions[i]],
    )


def _blocks(stream: BinaryIO) -> Iterator[_Lines]:
    block = _Lines(1, 0)
    for line, length in _split(stream):
        block.add(line, length)
        if block.full():
            yield block
            block = block.after()
    if block.lines:
        yield block


def _split(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Every line's bytes, cut where they pass the limit, and its full length without the newline."""
    rest, skipped = b"", 0
    first = True
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            length = len(line) + skipped
            skipped = 0
            if first:
                line, first = _without_mark(line), False  # noqa: PLW2901
            yield (line[:KEPT_BYTES] if length > MAX_RECORD_BYTES else line), length
        if len(rest) + skipped > MAX_RECORD_BYTES:
            skipped += len(rest) - KEPT_BYTES
            rest = rest[:KEPT_BYTES]
    if rest:
        length = len(rest) + skipped
        line = _without_mark(rest) if first else rest
        yield (line[:KEPT_BYTES] if length > MAX_RECORD_BYTES else line), length


def _without_mark(line: bytes) -> bytes:
    """The first line without a byte order mark; three spaces keep every offset true."""
    return b"   " + line[3:] if line.startswith(_BOM) else line
