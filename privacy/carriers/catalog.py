"""Carriers of the live database: its columns, the definitions of its views, and dbt's manifest. It reads no row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from privacy.carriers.lineage import analyse
from privacy.carriers.project import relations
from privacy.carriers.templates import Manifest
from privacy.carriers.traces import Relation, Trace, unanalysed
from warehouse.roles import DBT_SCHEMAS
from warehouse.subjects import SUBJECT_COLUMNS, SUBJECT_TABLES

# Tools keep no rows of people; erasure searches every byte of theirs instead.
TOOLS = ("pg_catalog", "information_schema", "dagster", "mlflow", "warehouse")
# Keys that lead to one person without being theirs: a session, an event. They are roots wherever a stage writes them.
LINKED_COLUMNS = ("session_id", "session", "event_id")
LINKED = frozenset({("raw.system_logs", "id"), ("raw.event_keys", "id"), ("raw.quarantine", "sealed")})
# What dbt writes when it starts (macros/retention.sql), from the project's own words: names of models and purposes.
OF_THE_PROJECT = {"staging.model_purposes": ("table_name", "purpose")}
# Types that cannot hold a key.
KEYLESS = ("date", "timestamp with time zone", "timestamp without time zone", "boolean", "double precision", "real")

_COLUMNS = """
select n.nspname || '.' || c.relname, c.relkind::text, a.attname, format_type(a.atttypid, null)
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and a.attnum > 0 and not a.attisdropped
  and n.nspname <> all(%s) and n.nspname not like 'pg\\_%%'
order by 1, a.attnum
"""
_VIEWS = """
select n.nspname || '.' || c.relname, pg_get_viewdef(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('v', 'm') and n.nspname <> all(%s) and n.nspname not like 'pg\\_%%' order by c.oid
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the live database and its type in words."""

    table: str
    column: str
    type: str
    kind: str


@dataclass(frozen=True, slots=True)
class Carrier:
    """A column that carries a person's key: from which roots, and through what."""

    table: str
    column: str
    derived_from: tuple[str, ...]
    how: tuple[str, ...]


def fetch_columns(conn: psycopg.Connection) -> list[Column]:
    """Every column of every stage's tables and views, without the tools' own."""
    rows = conn.execute(_COLUMNS, (list(TOOLS),)).fetchall()
    return [Column(table, column, kind_of_type, kind) for table, kind, column, kind_of_type in rows]


def fetch_views(conn: psycopg.Connection) -> dict[str, str]:
    """The definition of every view, in the order they were made."""
    return dict(conn.execute(_VIEWS, (list(TOOLS),)))


def find_carriers(conn: psycopg.Connection, manifest: Manifest | None) -> list[Carrier]:
    """Every carrier in the live database; without a manifest, what dbt made counts as not analysed."""
    return carriers(fetch_columns(conn), fetch_views(conn), manifest)


def carriers(columns: list[Column], views: Mapping[str, str], manifest: Manifest | None) -> list[Carrier]:
    """The carriers among columns; pure. A table of dbt's schemas that its manifest does not explain is all carrier."""
    known = base_relations(columns)
    for name, definition in views.items():
        if name.split(".")[0] not in DBT_SCHEMAS:
            known[name] = analyse(definition, known)
    if manifest is not None:
        known |= {table: Relation(dict.fromkeys(names)) for table, names in OF_THE_PROJECT.items()}
    made = relations(manifest, known) if manifest is not None else {}
    found = [_carrier(column, known | made) for column in columns]
    # What is not built yet has no columns to look at: the manifest tells.
    live = {column.table for column in columns}
    planned = [
        Carrier(table, name, *_words(trace))
        for table, relation in made.items()
        if table not in live
        for name, trace in (relation.carriers() | ({"*": relation.rest} if relation.rest else {})).items()
    ]
    return [carrier for carrier in found if carrier is not None] + planned


def base_relations(columns: list[Column]) -> dict[str, Relation]:
    """What Python stages and migrations wrote, with the roots: registered columns, and names that mean a person."""
    registered = {(row.table, row.column) for row in SUBJECT_TABLES} | LINKED
    known: dict[str, Relation] = {}
    for column in columns:
        if column.table.split(".")[0] in DBT_SCHEMAS or column.kind in ("v", "m"):
            continue
        is_root = (column.table, column.column) in registered or column.column in (*SUBJECT_COLUMNS, *LINKED_COLUMNS)
        root = Trace(frozenset({f"{column.table}.{column.column}"}), frozenset({"root"})) if is_root else None
        known.setdefault(column.table, Relation()).columns[column.column] = root
    return known


def _carrier(column: Column, known: Mapping[str, Relation]) -> Carrier | None:
    relation = known.get(column.table)
    if relation is None:
        trace: Trace | None = unanalysed("no model explains this table")
    elif relation.has(column.column):
        trace = relation.trace(column.column)
    else:
        trace = unanalysed("a column that its model does not make")
    if trace is None or (column.type in KEYLESS and "root" not in trace.how):
        return None
    return Carrier(column.table, column.column, *_words(trace))


def _words(trace: Trace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(sorted(trace.roots)), tuple(sorted(trace.how))
