"""What is held on a person: one query per registered table of people, and what others tell. It reads no row itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from privacy.exports.columns import Column, reading
from warehouse.subjects import SUBJECT_TABLES, SubjectTable

Keys = Mapping[str, Sequence[str | bytes]]
# Not given out: they protect the person's own identity check, or are ciphertext of what the other columns say.
WITHHELD = {
    "privacy.privacy_requests": ("sealed", "code_hash", "blinded_subject"),
    "privacy.access_log": ("blinded_subject",),
}


@dataclass(frozen=True, slots=True)
class Held:
    """One table of the export: where the rows come from. `key` says what the person is called there."""

    name: str
    key: str
    columns: tuple[Column, ...]
    query: sql.Composable


@dataclass(frozen=True, slots=True)
class Told:
    """Rows that no table gives by itself, such as the models that used a person's data. rows None: nobody knows."""

    name: str
    rows: Iterable[Mapping[str, Any]] | None
    notice: str = ""


def held(
    conn: psycopg.Connection, keys: Keys, tables: tuple[SubjectTable, ...] = SUBJECT_TABLES
) -> tuple[list[Held], list[str]]:
    """A query for every registered table that exists, and the names of those that do not exist yet.

    keys: what the person is called, once per id, by the name of the table or by its kind of key (raw, keyed). Tables
    without a key here are in neither list: they need a key of their own, and `missing_keys` names them.
    """
    found, absent = [], []
    for table in tables:
        names = keys.get(table.table, keys.get(table.key))
        if names is None:
            continue
        columns = _columns(conn, table.table)
        if columns:
            found.append(_held(table, columns, names))
        else:
            absent.append(table.table)
    return found, absent


def missing_keys(keys: Keys, tables: tuple[SubjectTable, ...] = SUBJECT_TABLES) -> list[str]:
    """Registered tables that these keys open no row of."""
    return [table.table for table in tables if table.table not in keys and table.key not in keys]


def events_of(conn: psycopg.Connection, blinded_subjects: Sequence[str | bytes]) -> Held:
    """The audit trail of the person's own requests, which carries no subject of its own."""
    columns = _columns(conn, "privacy.request_events")
    query = sql.SQL(
        "select {} from privacy.request_events t where request_id in "
        "(select request_id from privacy.privacy_requests where blinded_subject in ({}))"
    ).format(_selection(columns), _any_of(blinded_subjects))
    return Held("privacy.request_events", "blinded", tuple(column for column, _ in columns), query)


def _any_of(names: Sequence[str | bytes]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Literal, names))


def _held(table: SubjectTable, columns: list[tuple[Column, str]], names: Sequence[str | bytes]) -> Held:
    shown = [(column, how) for column, how in columns if column.name not in WITHHELD.get(table.table, ())]
    query = sql.SQL("select {} from {} t where {} in ({})").format(
        _selection(shown),
        sql.Identifier(*table.table.split(".")),
        sql.Identifier(table.column),
        _any_of(names),
    )
    return Held(table.table, table.key, tuple(column for column, _ in shown), query)


def _selection(columns: list[tuple[Column, str]]) -> sql.Composable:
    """Expressions without names: COPY needs none."""
    return sql.SQL(", ").join(
        sql.SQL(how).format(sql.SQL("t.{}").format(sql.Identifier(column.name))) for column, how in columns
    )


def _columns(conn: psycopg.Connection, table: str) -> list[tuple[Column, str]]:
    """Columns of a table or view in order, each with the expression that reads it; none when there is no such table."""
    rows = conn.execute(
        "select a.attname, t.typname, t.typcategory from pg_attribute a join pg_type t on t.oid = a.atttypid "
        "where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped order by a.attnum",
        (table,),
    )
    return [reading(*row) for row in rows.fetchall()]
