"""The rows of an export, read once: typed as Parquet, which is a format of the export, and as texts for the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privacy.exports.columns import Column, schema_of, texts
from privacy.exports.errors import UnwritableNameError

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

    from privacy.exports.held import Held
    from privacy.vault.texts import DataKeys

SEALED_TABLE = "raw.system_logs"
_FILE_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class Spooled:
    """One table of an export on disk: `path` is its Parquet file."""

    name: str
    key: str
    columns: tuple[Column, ...]
    path: Path
    n_rows: int

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The texts of the rows in order (string columns, nulls where there is no value), one batch in memory."""
        import pyarrow as pa

        with pa.OSFile(str(_texts_path(self.path)), "rb") as source, pa.ipc.open_stream(source) as reader:
            yield from reader


def spool_query(conn: psycopg.Connection, table: Held, folder: Path, vault: DataKeys) -> Spooled:
    """Read a table's rows in batches into files, sealed texts opened; memory holds one batch."""
    from warehouse.arrow import read_arrow

    batches = read_arrow(conn, table.query, schema_of(table.columns).remove_metadata())
    opened = _opened(batches, vault) if table.name == SEALED_TABLE else batches
    return spool(table.name, table.key, table.columns, opened, folder)


def _opened(batches: Iterable[pa.RecordBatch], vault: DataKeys) -> Iterator[pa.RecordBatch]:
    """Texts that lie sealed under the person's key, readable; null where the key was destroyed."""
    import pyarrow as pa

    from privacy.vault.texts import unseal_events

    for batch in batches:
        yield from unseal_events(pa.Table.from_batches([batch]), vault).combine_chunks().to_batches()


def spool_rows(name: str, rows: Iterable[Mapping[str, Any]], folder: Path, columns: tuple[Column, ...] = ()) -> Spooled:
    """Keep rows that a callable told. Columns are those of the first row unless given; what is no plain value is kept
    as JSON.
    """
    import pyarrow as pa

    told = list(rows)
    columns = columns or tuple(Column(key, _kind(value)) for key, value in (told[0] if told else {}).items())
    schema = schema_of(columns)
    plain = [{c.name: _plain(row.get(c.name), c.kind) for c in columns} for row in told]
    batches = pa.Table.from_pylist(plain, schema).to_batches() if columns else []
    return spool(name, "told", columns, batches, folder)


def spool(name: str, key: str, columns: tuple[Column, ...], batches: Iterable[pa.RecordBatch], folder: Path) -> Spooled:
    """Write batches as files named after the table. Raises UnwritableNameError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not _FILE_NAME.fullmatch(name):
        raise UnwritableNameError(f"the table {name!r} cannot name a file; rename it or leave it out of the registry")
    schema, path, n_rows = schema_of(columns), folder / f"{name}.parquet", 0
    written = pa.schema([pa.field(column.name, pa.string()) for column in columns])
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with (
        pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as typed,
        pa.OSFile(str(_texts_path(path)), "wb") as sink,
        pa.ipc.new_stream(sink, written, options=options) as as_text,
    ):
        for batch in batches:
            typed.write_batch(batch.replace_schema_metadata(None).cast(schema))
            values = [texts(batch[number], column.kind) for number, column in enumerate(columns)]
            as_text.write_batch(pa.record_batch(values, schema=written))
            n_rows += batch.num_rows
    return Spooled(name, key, columns, path, n_rows)


def _texts_path(path: Path) -> Path:
    return path.with_suffix(".texts")


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case datetime():
            return "timestamp"
        case dict() | list() | tuple():
            return "json"
        case _:
            return "text"


def _plain(value: Any, kind: str) -> Any:
    if value is None or kind in ("boolean", "integer", "number", "timestamp"):
        return value
    return json.dumps(value) if kind == "json" else str(value)
