"""A model's PostgreSQL as Spark's SQL: parsed, spelled out, typed by the tables that it reads. No Spark runs here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import Dialect, exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from warehouse.spark.dialect import UntranslatableError, say
from warehouse.spark.laterals import without_laterals
from warehouse.spark.spelling import flattened, spelled_out
from warehouse.spark.types import METADATA

Columns = Mapping[str, Mapping[str, Mapping[str, str]]]
# Functions of PostgreSQL's own house, which no other engine has a counterpart of.
OF_THE_SERVER = ("pg_", "to_reg")


def translated(name: str, query: str, columns: Columns) -> str:
    """A query in Spark's SQL.

    name: of the model, for messages. columns: schema -> table -> column -> type as PostgreSQL writes it, of what the
    query reads. Raises UntranslatableError, which names the model and the construct.
    """
    try:
        return say(without_laterals(_typed(query, columns)))
    except (UntranslatableError, SqlglotError) as error:
        raise UntranslatableError(f"model {name} cannot be said in Spark's SQL: {error}") from error


def tables_of(query: str) -> set[str]:
    """The tables that a query reads, as schema.table."""
    return {
        f"{table.db}.{table.name}" for table in parse_one(query, dialect="postgres").find_all(exp.Table) if table.db
    }


def _typed(query: str, columns: Columns) -> exp.Expr:
    postgres = Dialect.get_or_raise("postgres")
    postgres.INDEX_OFFSET = 0  # sqlglot shifts only those places in arrays that it can work out
    tree = spelled_out(parse_one(query, dialect=postgres))
    for call in tree.find_all(exp.Anonymous):
        if call.name.lower().startswith(OF_THE_SERVER):
            raise UntranslatableError(f"{call.name} asks the PostgreSQL server about itself")
    schema: Any = columns
    full = qualify(tree, schema=schema, dialect="postgres", quote_identifiers=False, validate_qualify_columns=False)
    return annotate_types(flattened(full), schema=schema, dialect="postgres", expression_metadata=METADATA)
