"""The dbt side on the real PostgreSQL: the test finds planted violations, and the macros keep what enforce_k keeps."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from privacy.anonymity.suppression import enforce_k
from warehouse.database import Database
from warehouse.settings import Settings

PROJECT = Path(__file__).parents[3] / "dbt_project"
MODELS = {
    "people": "select * from staging.planted",
    "kept": "select * from {{ keep_k_anonymous(ref('people'), ['region', 'job', 'person'], ['region', 'job']) }}",
    "kept_people": "select * from {{ keep_k_anonymous(ref('people'), ['region', 'job', 'person'], ['region', 'job'],"
    " subject='person') }}",
    "towns": "select * from (values ('n', 'oslo', 40), ('n', 'lom', 1), ('n', 'bergen', 20), ('s', 'lund', 2),"
    " ('s', 'ven', 2), ('s', 'malmo', 9), ('f', 'turku', 6), ('f', 'oulu', 5), ('i', 'hella', 3), ('i', 'vik', 0),"
    " ('d', 'ribe', 0), ('d', 'koge', 8)) as v (country, town, n)",
    "countries": "select country, case when sum(n) >= 5 then sum(n) end as n from {{ ref('towns') }} group by country",
    "small_withheld": "select country, town, case when n = 0 or n >= 5 then n end as n from {{ ref('towns') }}",
    "parts_withheld": "select * from {{ withhold_small_parts(ref('towns'), ['country'], ['town'], 'n') }}",
}
K_ANONYMOUS = "{k_anonymous: {name: NAME, arguments: {quasi_identifiers: [region, job] MORE}}}"
TESTS = {
    "people": {"rows_planted": K_ANONYMOUS, "people_planted": K_ANONYMOUS.replace("MORE", ", subject: person")},
    "kept": {"rows_kept": K_ANONYMOUS, "people_unseen": K_ANONYMOUS.replace("MORE", ", subject: person")},
    "kept_people": {"people_kept": K_ANONYMOUS.replace("MORE", ", subject: person")},
    "towns": {
        "counts_planted": "{k_anonymous: {name: NAME, arguments: {quasi_identifiers: [town], n_people: n}}}",
        "coarse_counts_pass": "{k_anonymous: {name: NAME, arguments: {quasi_identifiers: [country],"
        " n_people: n, k: 3}}}",
    },
    "small_withheld": {"difference_planted": "HIDE"},
    "parts_withheld": {"difference_hidden": "HIDE"},
}
HIDE = (
    "{parts_hide_in_totals: {name: NAME, arguments: {parent: [country], n_people: n,"
    " totals: ref('countries'), total: n}}}"
)
DBT = """
import sys
from dbt.cli.main import dbtRunner
for command in ("run", "test"):  # not build: a failing test would skip what comes after it
    dbtRunner().invoke([command, *sys.argv[1:]])
"""
PLANTED = {"rows_planted", "people_planted", "people_unseen", "counts_planted", "difference_planted"}
HOLDING = {"rows_kept", "people_kept", "coarse_counts_pass", "difference_hidden"}


def rows() -> list[dict[str, str | None]]:
    """Classes of all sizes, some of one person with many rows, some with rows that are nobody's."""
    generator = random.Random(7)  # noqa: S311
    found: list[dict[str, str | None]] = [{"region": "lone-region", "job": "a", "person": "p1"}] * 6
    found.append({"region": "lone-region", "job": "b", "person": "p1"})
    for n in range(120):
        region, job = generator.choice(["north", "south", "east", None]), generator.choice(["a", "b", None])
        found.append({"region": region, "job": job, "person": generator.choice([None, f"p{n % 9}"])})
    return found


def write_project(folder: Path) -> None:
    """A small dbt project with the real macros and generic tests."""
    shutil.copytree(PROJECT / "macros", folder / "macros")
    shutil.copytree(PROJECT / "tests" / "generic", folder / "tests" / "generic")
    shutil.copy(PROJECT / "profiles.yml", folder)
    (folder / "dbt_project.yml").write_text(
        "name: planted\nprofile: lethe\nflags: {send_anonymous_usage_stats: false}\n"
        "models: {planted: {+schema: staging, +materialized: view}}\n"
    )
    (folder / "models").mkdir()
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    lines = ["version: 2", "models:"]
    for model, tests in TESTS.items():
        made = [text.replace("HIDE", HIDE).replace("NAME", name).replace("MORE", "") for name, text in tests.items()]
        lines += [f"  - name: {model}", "    data_tests:", *(f"      - {text}" for text in made)]
    (folder / "models" / "tests.yml").write_text("\n".join(lines))


@pytest.mark.integration
def test_planted_violations_fail_and_suppressed_tables_pass(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "planted"
    folder.mkdir()
    write_project(folder)
    with database.connect("dbt") as conn:
        conn.execute("create table staging.planted (region text, job text, person text)")
        with conn.cursor() as cursor:
            cursor.executemany("insert into staging.planted values (%(region)s, %(job)s, %(person)s)", rows())
    results, output = build(database, settings, folder)
    failed = {name for name, (status, _) in results.items() if status == "fail"}
    passed = {name for name, (status, _) in results.items() if status == "pass"}
    assert (failed, passed) == (PLANTED, HOLDING), output
    assert "lone-region" not in output + json.dumps(results)
    check_kept_rows(database)
    with database.connect("dbt") as conn:
        withheld = conn.execute("select town from staging.parts_withheld where n is null order by town").fetchall()
    assert [town for (town,) in withheld] == ["bergen", "hella", "lom", "lund", "malmo", "ven", "vik"]


def build(database: Database, settings: Settings, folder: Path) -> tuple[dict[str, tuple[str, str]], str]:
    """Run the models, then the tests: (test -> (status, message), what it printed)."""
    address = database.address
    environment = settings.environment(
        LETHE_DBT_HOST=address.host,
        LETHE_DBT_PORT=str(address.port),
        LETHE_DBT_USER=database.role("dbt"),
        LETHE_DBT_PASSWORD=database.passwords["dbt"],
        LETHE_DBT_DBNAME=address.database,
    )
    run = subprocess.run(
        [sys.executable, "-c", DBT, "--project-dir", str(folder), "--profiles-dir", str(folder)],
        env=environment, capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    found = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    tests = [result for result in found if result["unique_id"].startswith("test.")]
    results = {result["unique_id"].split(".")[2]: (result["status"], str(result["message"])) for result in tests}
    return results, run.stdout + run.stderr


def check_kept_rows(database: Database) -> None:
    """The macro in SQL and enforce_k in Arrow keep the same rows."""
    table = pa.Table.from_pylist(rows())
    with database.connect("dbt") as conn:
        for view, subject in (("kept", None), ("kept_people", "person")):
            kept, n_suppressed = enforce_k(table, ["region", "job"], 5, subject=subject)
            found = conn.execute(f"select region, job, person from staging.{view}".encode()).fetchall()
            assert sorted(map(str, found)) == sorted(str(tuple(row.values())) for row in kept.to_pylist())
            assert 0 < n_suppressed < table.num_rows
