"""Every model below staging on Spark, from Parquet files of the staging views, with the rows that PostgreSQL has."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.spark import NOT_ON_SPARK, main
from tests.dbt_project.conftest import Project
from tests.dbt_project.histories import events_of_every_kind
from tests.dbt_project.test_incremental import NO_HISTORY, seeded
from warehouse.spark.parquet import export
from warehouse.spark.session import missing

Row = tuple[Any, ...]
# Sums of doubles depend on the order of rows, and quotients of numerics are doubles on Spark. All else is exact.
OF_DOUBLES = 1e-9
OF_FLOATS = 1e-6  # vectors have four bytes a figure
MADE_OF_VECTORS = {"similarity"}


def key(row: Row) -> tuple[tuple[bool, str], ...]:
    """An order of rows that figures which are nearly the same do not change."""
    return tuple((v is None, f"{v:.5e}" if isinstance(v, float) else str(v)) for v in row)


def is_same(postgres: Any, spark: Any, tolerance: float) -> bool:
    """Whether two values are one; `tolerance` is of floats only."""
    if postgres is None or spark is None:
        return postgres is spark
    if isinstance(spark, float):
        return math.isclose(float(postgres), spark, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(spark, list):
        return len(postgres) == len(spark) and all(
            is_same(p, s, tolerance) for p, s in zip(postgres, spark, strict=True)
        )
    return bool(postgres == spark)


def differences(postgres: Sequence[Row], spark: Sequence[Row], schema: pa.Schema) -> list[str]:
    """What is not the same, in words; rows come in any order."""
    if len(postgres) != len(spark):
        return [f"{len(postgres)} rows in PostgreSQL, {len(spark)} on Spark"]
    tolerances = [
        OF_FLOATS if "float" in str(field.type) or field.name in MADE_OF_VECTORS else OF_DOUBLES for field in schema
    ]
    floats = [pa.types.is_floating(field.type) for field in schema]
    # A numeric of PostgreSQL that is a double on Spark takes the double's place in the order.
    plain = [
        tuple(float(v) if f and v is not None else v for v, f in zip(row, floats, strict=True)) for row in postgres
    ]
    pairs = zip(sorted(plain, key=key), sorted(spark, key=key), strict=True)
    return [
        f"{field.name}: {ours} in PostgreSQL, {theirs} on Spark"
        for one, other in pairs
        for ours, theirs, field, tolerance in zip(one, other, schema, tolerances, strict=True)
        if not is_same(ours, theirs, tolerance)
    ]


def of_postgres(project: Project, table: str) -> tuple[list[str], list[Row]]:
    """The columns and rows of a table; vectors as arrays."""
    columns = project.rows(
        "select attname, format_type(atttypid, null) from pg_attribute"
        f" where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped order by attnum"
    )
    chosen = ", ".join(f'"{name}"::real[]' if kind == "vector" else f'"{name}"' for name, kind in columns)
    return [str(name) for name, _ in columns], project.rows(f"select {chosen} from {table}")


def compared(project: Project, folder: Path, table: str) -> list[str]:
    """How a table differs; what nobody can see in an empty one is a difference too."""
    schema, name = table.split(".")
    names, rows = of_postgres(project, table)
    made = pq.read_table(folder / "tables" / f"{schema}.db" / name)
    if names != made.column_names:
        return [f"columns {names} in PostgreSQL, {made.column_names} on Spark"]
    found = list(zip(*(column.to_pylist() for column in made.columns), strict=True))
    return ["no rows"] if not rows and table not in NO_HISTORY else differences(rows, found, made.schema)


@pytest.mark.integration
@pytest.mark.skipif(missing() is not None, reason=f"models are not built on Spark here: {missing()}")
def test_every_model_has_the_same_rows_on_spark(project: Project, tmp_path: Path) -> None:
    events = [events_of_every_kind(seeded(n), 150, 40 * n, 40 * n + 40) for n in range(3)]
    project.replace_days([event for part in events for event in part])
    project.build("--exclude-resource-type", "test")
    with project.database.connect("dbt") as conn:
        export(conn, tmp_path)
    command = [sys.executable, "-m", "orchestration.spark", str(tmp_path), "--small", "--try-all"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=project.settings.environment())
    results = json.loads((tmp_path / "dbt" / "run_results.json").read_text())["results"]
    failed = {r["unique_id"].split(".")[-1]: r["message"] for r in results if r["status"] != "success"}
    assert failed.keys() == NOT_ON_SPARK.keys(), f"{failed}\n{done.stdout}{done.stderr}"
    built = [table for table in project.models() if table.split(".")[1] not in NOT_ON_SPARK]
    found = {table: compared(project, tmp_path, table)[:3] for table in built}
    assert {table: said for table, said in found.items() if said} == {}


def test_what_is_missing_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")  # and so without any java
    assert main([str(tmp_path)]) == 2
    assert "--home HOME writes them" in capsys.readouterr().err
    (tmp_path / "staging.stg_days.parquet").touch()
    assert main([str(tmp_path)]) == 2
    assert "install" in capsys.readouterr().err


def test_a_row_a_figure_and_a_null_that_differ_are_seen() -> None:
    schema = pa.schema([("id", pa.int64()), ("share", pa.float64()), ("amount", pa.decimal128(9, 2))])
    rows: list[Row] = [(1, Decimal("0.5"), Decimal("1.00")), (2, None, Decimal("2.50"))]
    same: list[Row] = [(2, None, Decimal("2.5")), (1, 0.5 + 1e-12, Decimal("1"))]
    assert differences(rows, same, schema) == []
    assert differences(rows, same[:1], schema) == ["2 rows in PostgreSQL, 1 on Spark"]
    assert len(differences(rows, [same[0], (1, 0.5001, Decimal("1"))], schema)) == 1
    assert len(differences(rows, [(2, 0.0, Decimal("2.5")), same[1]], schema)) == 1
    assert len(differences(rows, [same[0], (1, 0.5, Decimal("1.01"))], schema)) == 1
