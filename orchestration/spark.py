"""dbt's models on Spark, from files of the staging views. How they are translated is the warehouse's affair.

`python -m orchestration.spark FOLDER` reads FOLDER/SCHEMA.TABLE.parquet, which `--home HOME` writes first, and leaves
each model as Parquet in FOLDER/tables/SCHEMA.db/MODEL.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestration.dbt import PROJECT_DIR
from warehouse.errors import WarehouseError
from warehouse.settings import Settings
from warehouse.spark.session import SMALL, missing, open_session, read_parquet

# Models that nobody can build there, and why. tests/dbt_project/test_spark.py tries them too: none is here for nothing.
NOT_ON_SPARK = {"mart_storage_cost": "it asks the PostgreSQL server how many bytes its tables have on disk"}


class SparkMissingError(WarehouseError):
    """Spark, dbt-spark or Java is not on this machine."""


class NoFilesError(WarehouseError):
    """The folder that models were to be built from has no file of a staging view."""


def build(folder: Path, select: Sequence[str], exclude: Sequence[str], config: Mapping[str, str]) -> bool:
    """Build the models below staging that dbt's `select` names (none: all) but `exclude`; whether all were built.

    Raises NoFilesError and SparkMissingError.
    """
    if not any(folder.glob("*.*.parquet")):
        raise NoFilesError(f"{folder} has no SCHEMA.TABLE.parquet of a staging view: --home HOME writes them")
    lacking = missing()
    if lacking:
        raise SparkMissingError(lacking)
    from dbt.cli.main import dbtRunner

    session = open_session(folder / "tables", config)
    try:
        read_parquet(session, folder)
        places = ["--project-dir", PROJECT_DIR, "--profiles-dir", PROJECT_DIR]
        outputs = ["--target-path", folder / "dbt", "--log-path", folder / "dbt"]
        chosen = ["--select", *select] if select else []
        command = ["run", "--target", "spark", "--full-refresh", "--exclude", "path:models/staging", *exclude, *chosen]
        return bool(dbtRunner().invoke([str(part) for part in (*command, *places, *outputs)]).success)
    finally:
        session.stop()


def export_home(home: Path, folder: Path) -> dict[str, int]:
    """Write the staging views of a home as files; table -> rows."""
    from orchestration.platform import Platform
    from warehouse.spark.parquet import export

    folder.mkdir(parents=True, exist_ok=True)
    with Platform.open(Settings.load(home)).database.connect("dbt") as conn:
        return export(conn, folder)


def main(arguments: Sequence[str]) -> int:
    """Run one build; the exit code is 0 when every model was built, 1 when not, 2 when nothing could be tried."""
    parser = argparse.ArgumentParser("python -m orchestration.spark", description="Build dbt's models on Spark.")
    parser.add_argument("folder", type=Path, help="where the files of the staging views are, and the tables come")
    parser.add_argument("--home", type=Path, help="write the files first, from this home")
    parser.add_argument("--select", nargs="*", default=[], help="models, as dbt names them (default: all)")
    parser.add_argument("--conf", nargs="*", default=[], metavar="KEY=VALUE", help="settings of Spark")
    parser.add_argument("--try-all", action="store_true", help="models too that are known not to build on Spark")
    parser.add_argument("--small", action="store_true", help="settings for a log of some thousand events")
    options = parser.parse_args(arguments)
    config = (SMALL if options.small else {}) | dict(pair.split("=", 1) for pair in options.conf)
    exclude = () if options.try_all else tuple(NOT_ON_SPARK)
    try:
        if options.home:
            for table, rows in export_home(options.home, options.folder).items():
                sys.stdout.write(f"{table}: {rows} rows\n")
        return 0 if build(options.folder, options.select, exclude, config) else 1
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
