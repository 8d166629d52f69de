"""What dbt's models below staging read, as Parquet files: the staging views and two sources. No Spark is here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from warehouse.arrow import read_arrow
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = ("safe.event_days", "safe.exclusions")
TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(), "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "text": pa.string(),
    "date": pa.date32(), "double precision": pa.float64(), "timestamp with time zone": pa.timestamp("us", "UTC"),
    "numeric": pa.decimal128(21, 6),  # staging rounds to six places and drops what has more than 15 before them
}  # fmt: skip
VECTOR = pa.list_(pa.float32())


class NotExportableError(WarehouseError):
    """A column of a staging view has a type that no file is written for."""


def export(conn: psycopg.Connection[Any], folder: Path) -> dict[str, int]:
    """Write SCHEMA.TABLE.parquet for every staging view and source into a folder; table -> rows.

    conn: a login that reads them, in a time zone of UTC. Raises NotExportableError.
    """
    found = conn.execute(
        "select schemaname || '.' || viewname from pg_views where schemaname = 'staging' and viewname like 'stg\\_%'"
        " order by 1"
    )
    return {table: _export_table(conn, table, folder) for table in (*(name for (name,) in found), *SOURCES)}


def _export_table(conn: psycopg.Connection[Any], table: str, folder: Path) -> int:
    columns = conn.execute(
        "select attname, format_type(atttypid, null) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped and atttypid <> 'jsonb'::regtype"
        " order by attnum",
        [table],
    ).fetchall()
    for name, kind in columns:
        if kind not in (*TYPES, "vector"):
            raise NotExportableError(f"{table}.{name} is {kind}: give it a type of {', '.join(TYPES)} in the view")
    schema = pa.schema([(name, TYPES.get(kind, VECTOR)) for name, kind in columns])
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    query = sql.SQL("select {} from {}").format(names, sql.Identifier(*table.split(".")))
    with pq.ParquetWriter(folder / f"{table}.parquet", schema) as file:
        return sum(_written(file, batch) for batch in _batches(conn, query, schema))


def _batches(conn: psycopg.Connection[Any], query: sql.Composed, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows by COPY, where a vector is a text."""
    plain = pa.schema([(field.name, pa.string() if field.type == VECTOR else field.type) for field in schema])
    for batch in read_arrow(conn, query, plain):
        yield pa.record_batch(
            [_vectors(column) if schema.field(i).type == VECTOR else column for i, column in enumerate(batch.columns)],
            schema=schema,
        )


def _vectors(texts: pa.Array) -> pa.Array:
    return pa.array([None if text is None else json.loads(text) for text in texts.to_pylist()], VECTOR)


def _written(file: pq.ParquetWriter, batch: pa.RecordBatch) -> int:
    file.write_batch(batch)
    return int(batch.num_rows)
