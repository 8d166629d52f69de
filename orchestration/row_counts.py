"""How many rows a dbt model has, as metadata of its asset: counted where that is cheap, else PostgreSQL's estimate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
import psycopg

COUNTED_BYTES = 64 << 20  # a larger table is not read whole on every run: its cost would follow the history


def counted(events: Iterable[Any], conn: psycopg.Connection[Any]) -> Iterator[Any]:
    """The events of a dbt build; a built model's gets how many rows the model has. conn: in autocommit mode."""
    for event in events:
        if isinstance(event, dg.Output):
            name = str(event.metadata["unique_id"].value).rsplit(".", 1)[-1]
            yield event.with_metadata({**event.metadata, **rows_of(conn, name)})
        else:
            yield event


def rows_of(conn: psycopg.Connection[Any], name: str) -> dict[str, int]:
    """The rows of a model's table under the label that says how they are known; nothing for a view."""
    found = conn.execute(
        "select c.oid::regclass::text, pg_relation_size(c.oid), c.reltuples::bigint from pg_class c"
        " where c.relname = %s and c.relkind = 'r' and pg_get_userbyid(c.relowner) = current_user",
        [name],
    ).fetchone()
    if found is None:
        return {}
    table, size, estimate = found
    if size <= COUNTED_BYTES:
        (n_rows,) = conn.execute(f"select count(*) from {table}".encode()).fetchone() or (0,)
        return {"dagster/row_count": int(n_rows)}
    return {"estimated_row_count": int(estimate)} if estimate >= 0 else {}
