"""A person's id inside other people's events: taken out of the JSON, the events stay. Never hashed, never masked."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

TABLE = "raw.system_logs"
NAME = f"{TABLE} (mentions)"
ERASED = "[erased]"
COLUMNS = ("data", "metadata", "client_info")


def redact(conn: psycopg.Connection, needles: Sequence[str]) -> int:
    """Replace the needles (whole values, or too long for chance) in the JSON of events; the rows changed."""
    if not needles:
        return 0
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = {1}::jsonb").format(sql.Identifier(column), _replaced(column, needles)) for column in COLUMNS
    )
    query = sql.SQL("update raw.system_logs set {} where {}").format(changes, _mentioned(needles))
    return conn.execute(query).rowcount


def _mentioned(needles: Sequence[str]) -> sql.Composed:
    text = sql.SQL("concat_ws(chr(31), {})").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in COLUMNS)
    )
    return sql.SQL(" or ").join(sql.SQL("strpos({}, {}) > 0").format(text, sql.Literal(needle)) for needle in needles)


def _replaced(column: str, needles: Sequence[str]) -> sql.Composable:
    made: sql.Composable = sql.SQL("{}::text").format(sql.Identifier(column))
    for needle in needles:
        instead = f'"{ERASED}"' if needle.startswith('"') else ERASED
        made = sql.SQL("replace({}, {}, {})").format(made, sql.Literal(needle), sql.Literal(instead))
    return made
