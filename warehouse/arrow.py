"""Arrow in and out of PostgreSQL by COPY, in batches. No SQL of any stage lives here."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from pyarrow import csv

Query = str | sql.Composable
BLOCK_BYTES = 4 << 20


class _CopyReader(io.RawIOBase):
    """A COPY stream as the readable file that pyarrow's CSV reader wants."""

    def __init__(self, chunks: Iterator[Any]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(bytes(chunk))
        n = min(len(buffer), len(self._rest))
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n


def read_arrow(conn: psycopg.Connection, query: Query, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Stream a query's rows as record batches of the given schema.

    Times must be selected in UTC. Arrays, json and bytea arrive as text: give them a string type.
    """
    statement = sql.SQL("copy ({}) to stdout (format csv)").format(_composed(query))
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        reader = io.BufferedReader(_CopyReader(iter(copy)), BLOCK_BYTES)
        if not reader.peek(1):
            return
        yield from csv.open_csv(
            reader,
            read_options=csv.ReadOptions(column_names=schema.names, block_size=BLOCK_BYTES, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )


def read_table(conn: psycopg.Connection, query: Query, schema: pa.Schema) -> pa.Table:
    """A query's rows as one table; for results known to be small."""
    return pa.Table.from_batches(list(read_arrow(conn, query, schema)), schema)


def copy_arrow(
    conn: psycopg.Connection,
    table: str,
    data: pa.Table | Iterable[pa.RecordBatch],
    columns: Sequence[str] | None = None,
) -> int:
    """Append rows to a table by COPY, in the caller's transaction; returns the number of rows.

    Column names are matched by name. Binary columns become bytea, lists of strings text[], fixed-size lists of float32
    a vector of pgvector.
    """
    batches = data.to_batches(max_chunksize=50_000) if isinstance(data, pa.Table) else iter(data)
    chosen = (batch.select(list(columns)) if columns else batch for batch in batches)
    first = next(chosen, None)
    if first is None:
        return 0
    names = sql.SQL(", ").join(map(sql.Identifier, first.schema.names))
    target = sql.SQL(".").join(map(sql.Identifier, table.split(".")))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(target, names)
    n_rows = 0
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in itertools.chain((first,), chosen):
            copy.write(_csv_bytes(batch))
            n_rows += batch.num_rows
    return n_rows


def _csv_bytes(batch: pa.RecordBatch) -> memoryview:
    table = pa.table([_as_text(column) for column in batch.columns], names=batch.schema.names)
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    return memoryview(sink.getvalue())


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if v is None else "\\x" + v.hex() for v in column.to_pylist()], pa.string())
    if pa.types.is_list(kind):
        return pa.array([None if v is None else _array_literal(v) for v in column.to_pylist()], pa.string())
    if pa.types.is_fixed_size_list(kind):
        return _vector_literals(column)
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%S%z") if kind.tz else column
    return column


def _array_literal(items: list[str]) -> str:
    escaped = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in escaped) + "}"


def _vector_literals(column: pa.FixedSizeListArray) -> pa.Array:
    """The shortest digits that read back as the same float32."""
    figures = column.flatten().to_numpy().reshape(len(column), column.type.list_size)
    return pa.array([orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY).decode() for row in figures], pa.string())


def _composed(query: Query) -> sql.Composable:
    return query if isinstance(query, sql.Composable) else sql.SQL(query)
