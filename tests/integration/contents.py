"""What a home's database holds, as digests that two homes can be compared by. Reads as the administrator."""

from __future__ import annotations

import psycopg
from psycopg import sql

from warehouse.database import ADMIN, Database

SCHEMAS = ["raw", "consent", "privacy", "safe", "staging", "sessions", "aggregates", "features", "ml"]

# Columns that are bookkeeping, each with the reason why two homes with equal content may differ in it.
NOT_COMPARED = {
    "consent.consent_events": {"consent_event_id"},  # an identity: a rolled-back transaction leaves a gap
    "raw.event_days": {"version"},  # from a sequence: a rolled-back transaction leaves a gap
    "safe.event_days": {"raw_version", "version"},  # the same
    "privacy.classification_items": {"raised_at"},  # when the database was told, by its own clock
    "privacy.classification_audit": {"audit_id", "recorded_at"},  # the same, and an identity
    "staging.model_days": {"version"},  # the same, as dbt saw it
}
# A sealed text starts with a random nonce: the same text is sealed differently each time. Its row is compared.
SEALED = "lethe:v1:[A-Za-z0-9+/=_-]+"


def digests(database: Database) -> dict[str, tuple[int, str]]:
    """Rows and MD5 over all rows in a fixed order, per table (partitions counted with their table)."""
    with database.connect(ADMIN) as conn:
        return {f"{schema}.{table}": digest(conn, schema, table) for schema, table in tables(conn)}


def tables(conn: psycopg.Connection) -> list[tuple[str, str]]:
    """Every table of the compared schemas; views hold nothing of their own."""
    rows = conn.execute(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any(%s) order by 1, 2",
        (SCHEMAS,),
    ).fetchall()
    return [(str(schema), str(table)) for schema, table in rows]


def digest(conn: psycopg.Connection, schema: str, table: str, where: str = "true") -> tuple[int, str]:
    """(rows, MD5) of one table without its bookkeeping columns."""
    columns = [
        str(name)
        for (name,) in conn.execute(
            "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
            " order by column_name",
            (schema, table),
        ).fetchall()
        if name not in NOT_COMPARED.get(f"{schema}.{table}", set())
    ]
    row = conn.execute(
        sql.SQL(
            "select count(*), coalesce(md5(string_agg(line, chr(10) order by line collate \"C\")), '')"
            " from (select regexp_replace(row({})::text, {}, 'sealed', 'g') as line from {} where "
            + where
            + ") as lines"
        ).format(sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Literal(SEALED), sql.Identifier(schema, table))
    ).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def champion(database: Database) -> tuple[int, str] | None:
    """The champion's version and the digest of everything it learned."""
    with database.connect(ADMIN) as conn:
        row = conn.execute(
            "select a.version, t.value from mlflow.registered_model_aliases a join mlflow.model_version_tags t"
            " on t.name = a.name and t.version = a.version and t.key = 'lethe.learned_digest'"
            " where a.alias = 'champion'"
        ).fetchone()
    return (int(row[0]), str(row[1])) if row else None


def unfinished(database: Database) -> dict[str, int]:
    """Runs that Dagster and MLflow still take for running."""
    with database.connect(ADMIN) as conn:
        row = conn.execute(
            "select (select count(*) from dagster.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')),"
            " (select count(*) from mlflow.runs where status not in ('FINISHED', 'FAILED', 'KILLED'))"
        ).fetchone()
    assert row is not None
    return {"dagster": int(row[0]), "mlflow": int(row[1])}
