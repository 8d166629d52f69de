"""Who may do what in PostgreSQL: one role per stage, as data. Enforced by the server, not by code."""

from __future__ import annotations

from dataclasses import dataclass

# erasure: privacy requests and retention; the one role that may look for a person in every stage, and delete there.
STAGES = ("collection", "privacy", "dbt", "quality", "ml", "erasure", "dagster", "mlflow")
DBT_SCHEMAS = ("staging", "sessions", "aggregates", "features", "marts")


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema, the stage that owns it (None: migrations own it), and who may use its tables."""

    name: str
    owner: str | None
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


SCHEMAS = (
    Schema("raw", None, writers=("collection", "erasure"), readers=("privacy", "quality")),
    Schema("consent", None, writers=("privacy", "erasure")),
    Schema("privacy", None, writers=("privacy", "erasure")),
    Schema("safe", None, writers=("privacy", "erasure"), readers=("dbt", "quality")),
    *(
        Schema(name, "dbt", writers=("erasure",), readers=("quality", "ml") if name == "features" else ("quality",))
        for name in DBT_SCHEMAS
    ),
    Schema("quality", None, writers=("quality", "erasure")),
    Schema("ml", None, writers=("ml", "erasure"), readers=("quality", "privacy")),
    Schema("dagster", "dagster"),
    Schema("mlflow", "mlflow"),
)


def role_name(prefix: str, stage: str) -> str:
    """Roles belong to the whole server, so two databases on one server need a prefix each."""
    return f"{prefix}_{stage}"


def create_role(prefix: str, stage: str, password_literal: str) -> list[str]:
    """Statements that make a stage's role and set its password (idempotent)."""
    role = role_name(prefix, stage)
    return [
        f'do $$ begin create role "{role}" login; exception when duplicate_object then null; end $$',
        f'alter role "{role}" login password {password_literal}',
        f'grant "{role}" to current_user',
    ]


def configure_role(database: str, prefix: str, stage: str) -> list[str]:
    """Statements for a role's settings in this database only."""
    role = role_name(prefix, stage)
    statements = [f'alter role "{role}" in database "{database}" set timezone = \'UTC\'']
    if stage in ("dagster", "mlflow"):
        # Run records are many tiny commits; losing the last half second of them in a power cut loses no data.
        statements += [
            f'alter role "{role}" in database "{database}" set search_path = {stage}',
            f'alter role "{role}" in database "{database}" set synchronous_commit = off',
        ]
    return statements


def grant_schema(prefix: str, schema: Schema) -> list[str]:
    """Statements that give one schema to its owner, writers and readers, for present and future tables."""
    makers = [f'for role "{role_name(prefix, schema.owner)}"'] if schema.owner else [""]
    statements = [
        f"create schema if not exists {schema.name}",
        f"revoke all on schema {schema.name} from public",
    ]
    if schema.owner:
        statements.append(f'alter schema {schema.name} owner to "{role_name(prefix, schema.owner)}"')
    for stage, verbs in [
        *((w, "select, insert, update, delete") for w in schema.writers),
        *((r, "select") for r in schema.readers),
    ]:
        role = role_name(prefix, stage)
        statements += [
            f'grant usage on schema {schema.name} to "{role}"',
            f'grant {verbs} on all tables in schema {schema.name} to "{role}"',
            *(
                f'alter default privileges {maker} in schema {schema.name} grant {verbs} on tables to "{role}"'
                for maker in makers
            ),
        ]
        if stage in schema.writers:
            statements += [f'grant usage on all sequences in schema {schema.name} to "{role}"']
    return statements
