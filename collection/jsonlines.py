"""JSON Lines in batches: memory holds one batch, whatever the file's size or the length of a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def place(self, position: int) -> Place:
        return Place(self.first_line + position, self.first_offset + self.n_bytes(position))

    def n_bytes(self, n_lines: int) -> int:
        heads = sum(map(len, self.lines[:n_lines])) + n_lines
        return heads + sum(n - len(self.lines[i]) for i, n in self.cut.items() if i < n_lines)

    def after(self) -> _Lines:
        n_lines = len(self.lines)
        return _Lines(self.first_line + n_lines, self.first_offset + self.n_bytes(n_lines))


def read_json_lines(stream: BinaryIO) -> Iterator[Batch]:
    """Batches of the records of a JSON Lines stream; blank lines are no records."""
    for block in _blocks(stream):
        batch = _parsed(block)
        if batch.records:
            yield batch


def _parsed(block: _Lines) -> Batch:
    positions: Sequence[int] = range(len(block.lines))
    records, faults = parse_records(block.lines)
    blank = {i for i in faults if not block.lines[i].strip()}
    for position, length in block.cut.items():
        records[position], faults[position] = None, too_long(length)
    if blank:
        positions = [i for i in positions if i not in blank]
        records = [records[i] for i in positions]
        faults = {new: faults[old] for new, old in enumerate(positions) if old in faults}
    return Batch(
        records,
        faults,
        lambda i: block.place(positions[i]),
        lambda i: ENVELOPE + block.lines[positions[i]],
    )


def _blocks(stream: BinaryIO) -> Iterator[_Lines]:
    block, n_bytes = _Lines(1, 0), 0
    for whole, marks in _chunks(stream):
        lines, cut = whole, marks
        room = BATCH_RECORDS - len(block.lines)
        block.cut |= {len(block.lines) + i: length for i, length in cut.items() if i < room}
        block.lines += lines[:room]
        n_bytes += _CHUNK
        while len(block.lines) >= BATCH_RECORDS or n_bytes >= BATCH_BYTES:
            yield block
            block, n_bytes = block.after(), 0
            block.lines, lines = lines[room : room + BATCH_RECORDS], lines[room + BATCH_RECORDS :]
            block.cut = {i - room: length for i, length in cut.items() if room <= i < room + BATCH_RECORDS}
            cut = {i - room - BATCH_RECORDS: n for i, n in cut.items() if i >= room + BATCH_RECORDS}
            room = 0
    if block.lines:
        yield block


def _chunks(stream: BinaryIO) -> Iterator[tuple[list[bytes], dict[int, int]]]:
    """The whole lines of every chunk; a line over the limit is cut and its full length noted by position."""
    rest, skipped, first = b"", 0, True
    while chunk := stream.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            lines[0] = _without_mark(lines[0]) if first else lines[0]
            yield _limited(lines, skipped)
            skipped, first = 0, False
        if len(rest) > max(KEPT_BYTES, MAX_RECORD_BYTES):
            skipped += len(rest) - KEPT_BYTES
            rest = rest[:KEPT_BYTES]
    if rest:
        yield _limited([_without_mark(rest) if first else rest], skipped)


def _limited(lines: list[bytes], skipped: int) -> tuple[list[bytes], dict[int, int]]:
    """Lines with those over the limit cut; the first one has lost `skipped` bytes already."""
    if not skipped and max(map(len, lines)) <= MAX_RECORD_BYTES:
        return lines, {}
    lengths = [len(line) for line in lines]
    lengths[0] += skipped
    cut = {i: length for i, length in enumerate(lengths) if length > MAX_RECORD_BYTES}
    return [line[:KEPT_BYTES] if i in cut else line for i, line in enumerate(lines)], cut


def _without_mark(line: bytes) -> bytes:
    """The first line without a byte order mark; three spaces keep every offset true."""
    return b"   " + line[3:] if line.startswith(_BOM) else line
