"""A Spark session that also understands PostgreSQL: what follows PHRASE in a statement is translated before it runs.

dbt-spark in session mode asks pyspark for the session that is there; when it is this one, models of PostgreSQL run. The
catalogue is in memory and every table a folder of Parquet files.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from warehouse.spark.translation import tables_of, translated

PHRASE = "/* from postgresql */"  # dbt_project/materializations/spark.sql writes it
CONFIG = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # errors where PostgreSQL has errors, not nulls
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",  # a product keeps all its places
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Spark 4.3's own rule RemoveRedundantAliases makes a plan for mart_mrr_movements that this check refuses.
    "spark.sql.lightweightPlanChangeValidation": "false",
}
# For a log that fits one machine, where starting takes longer than the work: nothing is compiled or planned twice.
SMALL = {
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
}
TYPES = {
    "boolean": "boolean", "smallint": "smallint", "int": "int", "bigint": "bigint", "string": "text", "date": "date",
    "timestamp": "timestamptz", "float": "real", "double": "double precision",
}  # fmt: skip


def open_session(folder: Path, config: Mapping[str, str]) -> Any:
    """Start Spark with its tables in a folder, as the session that everybody in this process gets."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    class PostgresSession(SparkSession):
        """Translates by the columns of the tables that its catalogue has."""

        def sql(self, sqlQuery: str, *arguments: Any, **options: Any) -> Any:
            statement, phrase, query = sqlQuery.partition(PHRASE)
            if phrase:
                name = statement.split("create table ")[-1].split()[0]
                statement += translated(name, query, _columns(self, tables_of(query)))
            return super().sql(statement, *arguments, **options)

    settings = {"spark.master": "local[*]", "spark.sql.warehouse.dir": str(folder.resolve())} | CONFIG | dict(config)
    context = SparkContext.getOrCreate(SparkConf().setAll(list(settings.items())))
    context.setLogLevel("OFF")  # what fails comes back as an error
    return PostgresSession(context, options=settings)


def _columns(session: Any, tables: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
    """Schema -> table -> column -> PostgreSQL's type, of tables by full name."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name in tables:
        schema, table = name.split(".")
        fields = session.table(name).schema.fields
        found.setdefault(schema, {})[table] = {field.name: _type(field.dataType.simpleString()) for field in fields}
    return found


def _type(name: str) -> str:
    if name.startswith("array<"):
        return f"{_type(name.removeprefix('array<').removesuffix('>'))}[]"
    return "numeric" if name.startswith("decimal") else TYPES[name]


def read_parquet(session: Any, folder: Path) -> None:
    """Make every SCHEMA.TABLE.parquet of a folder a table of the session."""
    for path in sorted(folder.glob("*.*.parquet")):
        schema, table, _ = path.name.split(".")
        session.sql(f"create schema if not exists {schema}")
        session.sql(f"create table {schema}.{table} using parquet location '{path}'")


def missing() -> str | None:
    """What has to be installed before models run on Spark; None when all is there."""
    for module in ("pyspark", "dbt.adapters.spark"):
        if find_spec(module) is None:
            return f"{module} is not installed: pip install 'lethe[spark]'"
    return None if shutil.which("java") else "there is no java: install a Java of 17 or later"
