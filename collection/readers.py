"""A source file's records in batches, whatever its format and compression."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from collection.batches import Batch
from collection.csvrows import read_csv
from collection.files import SourceFile, open_bytes
from collection.jsonlines import read_json_lines
from collection.parquetrows import read_parquet


def read_batches(file: SourceFile, *, delimiter: str | None = None) -> Iterator[Batch]:
    """Batches in file order. Memory holds one batch; the same file gives the same records with the same numbers."""
    with open_bytes(file.path, file.compression) as stream:
        if file.format == "jsonl":
            yield from read_json_lines(stream)
        elif file.format == "csv":
            yield from read_csv(stream, delimiter=delimiter)
        else:
            with _seekable(stream, file.compression) as whole:
                yield from read_parquet(whole)


def _seekable(stream: BinaryIO, compression: str | None) -> BinaryIO:
    """Parquet is read from its end: a compressed one goes through a nameless temporary file."""
    if compression is None:
        return stream
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the caller
    shutil.copyfileobj(stream, spool)
    spool.seek(0)
    return spool
