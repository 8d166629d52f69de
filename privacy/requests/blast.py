"""How much a request touches: rows of one person in every table of people, against all its rows. It only counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from warehouse.subjects import SUBJECT_TABLES, SubjectTable

THRESHOLD = 0.01  # more than 1 % of any table needs a second person


@dataclass(frozen=True, slots=True)
class Reach:
    """Rows of the person and rows in all, of one table."""

    n_touched: int
    n_rows: int


CountReach = Callable[[str], Mapping[str, Reach]]  # of a subject, by table


def large_tables(reach: Mapping[str, Reach], threshold: float = THRESHOLD) -> list[str]:
    """Tables of which the request touches more than the threshold, in order of name."""
    return sorted(table for table, found in reach.items() if found.n_touched > threshold * found.n_rows)


def count_reach(
    conn: psycopg.Connection, keys: Mapping[str, Sequence[str]], tables: tuple[SubjectTable, ...] = SUBJECT_TABLES
) -> dict[str, Reach]:
    """Count a person's rows and all rows in every registered table that exists.

    keys: what the person is called, {"raw": user ids, "keyed": pseudonyms}. Blinded tables hold no rows to change.
    """
    found = {}
    for table in tables:
        names = keys.get(table.key)
        if names is not None and _exists(conn, table.table):
            found[table.table] = _reach(conn, table, names)
    return found


def _exists(conn: psycopg.Connection, table: str) -> bool:
    row = conn.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    return bool(row and row[0])


def _reach(conn: psycopg.Connection, table: SubjectTable, names: Sequence[str]) -> Reach:
    query = sql.SQL("select count(*) filter (where {} = any(%s)), count(*) from {}").format(
        sql.Identifier(table.column), sql.Identifier(*table.table.split("."))
    )
    row = conn.execute(query, (list(names),)).fetchone()
    return Reach(int(row[0]), int(row[1])) if row else Reach(0, 0)
