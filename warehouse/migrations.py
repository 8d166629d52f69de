"""Numbered SQL files applied once each. A file that changed after it was applied is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from warehouse.errors import MigrationChangedError


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file of this package, by name and content."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> list[Migration]:
    """Every migration of this version, in order."""
    folder = files("warehouse") / "migrations"
    named = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [Migration(item.name, item.read_text()) for item in named]


def apply_pending(conn: psycopg.Connection) -> list[str]:
    """Apply what the database lacks, in the caller's transaction; returns the names applied.

    Raises MigrationChangedError when an applied file has other content now.
    """
    conn.execute("create schema if not exists warehouse")
    conn.execute(
        "create table if not exists warehouse.migrations "
        "(name text primary key, digest text not null, applied_at timestamptz not null default now())"
    )
    applied: dict[str, str] = dict(conn.execute("select name, digest from warehouse.migrations").fetchall())
    for migration in available():
        known = applied.get(migration.name)
        if known is None:
            conn.execute(migration.sql.encode())
            conn.execute(
                "insert into warehouse.migrations (name, digest) values (%s, %s)",
                (migration.name, migration.digest),
            )
        elif known != migration.digest:
            raise MigrationChangedError(
                f"migration {migration.name} was applied with other content; restore the file and add a new one"
            )
    return [migration.name for migration in available() if migration.name not in applied]
