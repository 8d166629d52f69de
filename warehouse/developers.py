"""Logins of developers of dbt models: they read what dbt reads and makes, and write a schema of their own.

What stands in such a schema is a copy that nobody answers for: `drop_developer_schemas` takes all of them away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
from psycopg import sql

from warehouse.database import ADMIN, Database
from warehouse.errors import WarehouseError
from warehouse.roles import DBT_SCHEMAS

PREFIX = "dev_"
NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
# Schemas that a developer's role owns; one that happens to be called so is not ours to drop.
_OWNED = """
select n.nspname from pg_namespace n join pg_roles r on r.oid = n.nspowner
where starts_with(n.nspname, %s) and right(r.rolname, length(n.nspname) + 1) = '_' || n.nspname
order by n.nspname
"""


class DeveloperNameError(WarehouseError):
    """A name that no schema can be named after."""


def schema_of(name: str) -> str:
    """The schema of a developer. Raises DeveloperNameError."""
    if not NAME.fullmatch(name):
        raise DeveloperNameError(f"{name!r} cannot name a schema: take up to 20 letters a-z and digits, a letter first")
    return PREFIX + name


def add_developer(database: Database, name: str, password: str) -> tuple[str, str]:
    """Make a developer's role and an empty schema, or both anew with another password. Returns (role, schema)."""
    schema = schema_of(name)
    role = database.role(schema)
    with database.connect(ADMIN) as conn:
        _create_role(conn, role, password)
        for statement in _grants(database, role, schema):
            conn.execute(statement)
    return role, schema


def drop_developer_schemas(conn: psycopg.Connection) -> list[str]:
    """Drop every developer's schema with all that is in it; the role of `conn` may. Returns their names."""
    names = [str(row[0]) for row in conn.execute(_OWNED, (PREFIX,)).fetchall()]
    for name in names:
        conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))
    return names


def _create_role(conn: psycopg.Connection, role: str, password: str) -> None:
    if conn.execute("select from pg_roles where rolname = %s", (role,)).fetchone() is None:
        conn.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
    conn.execute(sql.SQL("alter role {} login password {}").format(sql.Identifier(role), sql.Literal(password)))
    conn.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))


def _grants(database: Database, role: str, schema: str) -> Iterator[sql.Composed]:
    name, owner, dbt = sql.Identifier(schema), sql.Identifier(role), sql.Identifier(database.role("dbt"))
    yield sql.SQL("alter role {} in database {} set timezone = 'UTC'").format(
        owner, sql.Identifier(database.address.database)
    )
    yield sql.SQL("drop schema if exists {} cascade").format(name)
    yield sql.SQL("create schema {} authorization {}").format(name, owner)
    # Whoever erases a person takes the copies away first.
    yield sql.SQL("grant {} to {}").format(owner, sql.Identifier(database.role("erasure")))
    for readable in map(sql.Identifier, ("safe", *DBT_SCHEMAS)):
        yield sql.SQL("grant usage on schema {} to {}").format(readable, owner)
        yield sql.SQL("grant select on all tables in schema {} to {}").format(readable, owner)
        yield sql.SQL("alter default privileges for role {} in schema {} grant select on tables to {}").format(
            dbt, readable, owner
        )
