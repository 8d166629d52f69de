"""Arrow through COPY and back: nothing is lost, nothing is mistaken for null."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from warehouse.arrow import copy_arrow, read_table
from warehouse.database import Database

pytestmark = pytest.mark.integration

SCHEMA = pa.schema(
    [
        ("t", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("d", pa.date32()),
        ("x", pa.float64()),
        ("b", pa.bool_()),
    ]
)


def test_round_trip_keeps_empty_null_quotes_and_newlines_apart(database: Database) -> None:
    moment = dt.datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=dt.UTC)
    rows = [
        {"t": "", "at": moment, "d": dt.date(2024, 2, 29), "x": 1.5, "b": True},
        {"t": None, "at": None, "d": None, "x": None, "b": None},
        {"t": 'a "quote"\n, comma\r\n\\N \t', "at": moment, "d": dt.date(1, 1, 1), "x": -1e300, "b": False},
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    with database.connect("admin") as conn:
        conn.execute("create temp table echo (t text, at timestamptz, d date, x float8, b bool)")
        assert copy_arrow(conn, "echo", table) == 3
        assert read_table(conn, "select t, at, d, x, b from echo", SCHEMA).to_pylist() == table.to_pylist()


def test_binary_and_text_arrays_arrive_as_such(database: Database) -> None:
    table = pa.table({"k": [b"\x00\xff", None], "p": [["a", 'b"\\'], []]})
    with database.connect("admin") as conn:
        conn.execute("create temp table echo (k bytea, p text[])")
        copy_arrow(conn, "echo", table)
        assert conn.execute("select k, p from echo").fetchall() == [(b"\x00\xff", ["a", 'b"\\']), (None, [])]


def test_no_rows_are_no_rows(database: Database) -> None:
    with database.connect("admin") as conn:
        conn.execute("create temp table echo (t text)")
        assert copy_arrow(conn, "echo", pa.table({"t": pa.array([], pa.string())})) == 0
        assert read_table(conn, "select t from echo", pa.schema([("t", pa.string())])).num_rows == 0
