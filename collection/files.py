"""Files as byte streams: what they are (by content, not by name), whether they are whole, and their digest."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, cast

from collection.errors import (
    EmptyFileError,
    MissingFileError,
    TruncatedFileError,
    UnknownFormatError,
    UnreadableFileError,
)

_MAGIC = {"gz": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00", "zst": b"\x28\xb5\x2f\xfd"}
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".log": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_COMPRESSED = {".gz": "gz", ".bz2": "bz2", ".xz": "xz", ".zst": "zst"}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that can be read: its format (jsonl, csv, parquet), compression, SHA-256 and notes to the user."""

    path: Path
    format: str
    compression: str | None
    digest: str
    notes: tuple[str, ...]


class _ZstdStream(io.RawIOBase):
    """Zstandard frames as a readable stream that, unlike the library's own, refuses a truncated one."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        self._file, self._library = file, zstandard
        self._frame: Any = None
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            data = self._file.read(_BLOCK >> 4)
            if not data:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._rest = self._inflate(data)
        n = min(len(buffer), len(self._rest))
        buffer[:n], self._rest = self._rest[:n], self._rest[n:]
        return n

    def _inflate(self, data: bytes) -> bytes:
        pieces = []
        while data:
            self._frame = self._frame or self._library.ZstdDecompressor().decompressobj()
            pieces.append(self._frame.decompress(data))
            data = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = None
        return b"".join(pieces)


@contextmanager
def open_bytes(path: Path, compression: str | None) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file. Raises TruncatedFileError when they end early or are damaged."""
    import lzma

    import zstandard

    damaged = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
    try:
        with path.open("rb") as file, _plain_stream(file, compression) as stream:
            yield stream
    except damaged as error:
        raise _truncated(path, error) from None
    except OSError as error:
        if compression and error.errno is None:
            raise _truncated(path, error) from None
        raise


def _plain_stream(file: BinaryIO, compression: str | None) -> BinaryIO:
    import bz2
    import gzip
    import lzma

    if compression == "gz":
        return cast(BinaryIO, gzip.open(file, "rb"))
    if compression == "bz2":
        return cast(BinaryIO, bz2.open(file, "rb"))
    if compression == "xz":
        return cast(BinaryIO, lzma.open(file, "rb"))
    if compression == "zst":
        return io.BufferedReader(_ZstdStream(file), _BLOCK)
    return file


def inspect_file(path: Path) -> SourceFile:
    """Look at a file before anything is stored: it exists, is readable, whole, not empty, and of a known format.

    Raises the InputError that fits. Compressed files are read once to the end, so that a truncated one is refused
    before its first half is imported.
    """
    digest, head = _digest(path)
    compression = next((name for name, magic in _MAGIC.items() if head.startswith(magic)), None)
    with open_bytes(path, compression) as stream:
        start = _start(stream)
        if compression:
            while stream.read(_BLOCK):
                pass
    if not start.strip():
        raise EmptyFileError(f"{path} is empty: nothing to import; check how it was written")
    return _known(path, compression, start, digest)


def require_readable(path: Path) -> None:
    """Open a file. Raises MissingFileError or UnreadableFileError, at once and before any server."""
    with _readable(path) as file:
        file.read(1)


@contextmanager
def _readable(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise MissingFileError(f"{path} does not exist: check the name and the folder") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreadableFileError(f"{path} cannot be read ({reason}): give a file this user may read") from None


def _digest(path: Path) -> tuple[str, bytes]:
    digest = sha256()
    with _readable(path) as file:
        head = file.read(_BLOCK)
        digest.update(head)
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest(), head[:16]


def _start(stream: BinaryIO) -> bytes:
    pieces = bytearray()
    while len(pieces) < 1 << 16 and (block := stream.read(1 << 16)):
        pieces += block
    return bytes(pieces)


def _known(path: Path, compression: str | None, start: bytes, digest: str) -> SourceFile:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    claimed = _COMPRESSED.get(suffixes[-1]) if suffixes else None
    notes = []
    if claimed != compression:
        found = f"{compression}-compressed" if compression else "not compressed"
        notes.append(f"{path.name} is {found}, whatever its name says; read as what it is")
    named = next((_SUFFIXES[suffix] for suffix in reversed(suffixes) if suffix in _SUFFIXES), None)
    kind = _format(path, start, named, whole_json=".json" in suffixes)
    if named and kind != named:
        notes.append(f"{path.name} holds {kind}, whatever its name says; read as what it is")
    return SourceFile(path, kind, compression, digest, tuple(notes))


def _format(path: Path, start: bytes, named: str | None, *, whole_json: bool) -> str:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnknownFormatError(f"{path} is UTF-16: convert it to UTF-8 (iconv -f utf-16 -t utf-8) and import that")
    if whole_json and text.startswith(b"["):
        raise UnknownFormatError(f"{path} is one JSON array: write one record a line (jq -c '.[]') and import that")
    if text.startswith(b"{"):
        return "jsonl"
    if _binary(start):
        raise UnknownFormatError(f"{path} is binary and none of JSON Lines, CSV and Parquet: name another file")
    if named == "csv" or (named in (None, "jsonl") and _tabular(start)):
        return "csv"
    if named == "jsonl":
        return "jsonl"
    raise UnknownFormatError(
        f"{path} is none of JSON Lines, CSV and Parquet: convert it, or name it by its format (.jsonl, .csv, .parquet)"
    )


def _binary(start: bytes) -> bool:
    """No line looks like a record, and bytes appear that no text has."""
    if any(line.lstrip().startswith(b"{") for line in start.split(b"\n")):
        return False
    controls = sum(start.count(byte) for byte in b"\x00\x01\x02\x03\x04\x05\x06\x0e\x0f")
    return controls > len(start) // 100


def _tabular(start: bytes) -> bool:
    """A header of two or more plain names and a next line with as many delimiters."""
    lines = start.split(b"\n", 2)
    for mark in (b",", b";", b"\t", b"|"):
        names = [name.strip(b' \r"') for name in lines[0].split(mark)]
        if len(names) > 1 and all(name.replace(b"_", b"").replace(b".", b"").isalnum() for name in names):
            return len(lines) > 1 and lines[1].count(mark) >= len(names) - 1
    return False


def _truncated(path: Path, error: Exception) -> TruncatedFileError:
    return TruncatedFileError(
        f"{path} ends early or is damaged ({type(error).__name__}): nothing of it was imported; get it again"
    )
