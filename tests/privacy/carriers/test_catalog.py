"""Carriers of the real project and the live catalog, and what happens to a table that nobody explains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from privacy.carriers.catalog import fetch_columns, find_carriers
from privacy.carriers.project import relations
from privacy.carriers.templates import with_variables
from privacy.erasure.errors import UncoveredCarrierError
from privacy.erasure.targets import TARGETS, require_cover, require_registry
from warehouse.database import ADMIN, Database
from warehouse.settings import Settings
from warehouse.subjects import SUBJECT_TABLES

PROJECT = Path(__file__).parents[3] / "dbt_project"
NO_LOGIN = {"HOST": "127.0.0.1", "PORT": "1", "USER": "nobody", "PASSWORD": "", "DBNAME": "none"}


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What dbt itself says of the project; parsing needs no database."""
    target = tmp_path_factory.mktemp("dbt")
    environment = Settings.load(target).environment(**{f"LETHE_DBT_{k}": v for k, v in NO_LOGIN.items()})
    command = [str(Path(sys.executable).with_name("dbt")), "parse", "--quiet", "--project-dir", str(PROJECT)]
    command += ["--profiles-dir", str(PROJECT), "--target-path", str(target), "--log-path", str(target)]
    subprocess.run(command, check=True, env=environment, cwd=target)
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    return with_variables(json.loads((target / "manifest.json").read_text()), project)


def carrying(database: Database, manifest: dict[str, Any] | None) -> dict[str, set[str]]:
    with database.connect(ADMIN) as conn:
        found: dict[str, set[str]] = {}
        for carrier in find_carriers(conn, manifest):
            found.setdefault(carrier.table, set()).add(carrier.column)
        return found


def test_the_project_carries_keys_where_the_registry_says(database: Database, manifest: dict[str, Any]) -> None:
    found = carrying(database, manifest)
    assert {row.table for row in SUBJECT_TABLES} <= set(found)
    assert "subject" in found["features.ftr_user_weekly"]
    assert not {"aggregates.agg_company_day", "staging.stg_shared_events", "staging.model_days"} & set(found)
    # Beside the key and its links no column of a model is taken for one.
    for table in ("features.ftr_user_weekly", "features.lbl_user_churn", "aggregates.agg_user_day"):
        assert found[table] == {"subject"}


def test_a_planted_model_is_a_carrier(database: Database, manifest: dict[str, Any]) -> None:
    planted = json.loads(json.dumps(manifest))
    node = planted["nodes"]["model.lethe.agg_company_day"]
    node["raw_code"] = (
        "select company, array_agg(upper(subject)) as people from {{ ref('stg_training_events') }} group by 1"
    )
    node["compiled_code"] = None
    assert carrying(database, planted)["aggregates.agg_company_day"] == {"people"}


def test_a_template_that_cannot_be_rendered_carries(database: Database, manifest: dict[str, Any]) -> None:
    planted = json.loads(json.dumps(manifest))
    planted["nodes"]["model.lethe.agg_company_day"]["raw_code"] = "select {{ nobody_knows() }} as x"
    assert carrying(database, planted)["aggregates.agg_company_day"] == {"*"}


def test_tables_that_nobody_explains_carry(database: Database, manifest: dict[str, Any]) -> None:
    with database.connect(ADMIN, autocommit=True) as conn:
        conn.execute("create table marts.loose (note text, day date)")
        conn.execute("create table quality.kept (persona_id text, n int)")
        conn.execute("create view privacy.seen as select user_id || '!' as who, action from raw.system_logs")
    found = carrying(database, manifest)
    assert found["marts.loose"] == {"note"}
    assert found["quality.kept"] == {"persona_id"}
    assert found["privacy.seen"] == {"who"}


def test_without_a_manifest_every_table_of_dbt_carries(database: Database) -> None:
    with database.connect(ADMIN, autocommit=True) as conn:
        conn.execute("create table aggregates.agg_company_day (company text, n int)")
    assert carrying(database, None)["aggregates.agg_company_day"] == {"company", "n"}


def test_base_relations_are_needed(database: Database, manifest: dict[str, Any]) -> None:
    """A model over a source that the database lacks fails closed."""
    with database.connect(ADMIN) as conn:
        assert fetch_columns(conn)
    assert relations(manifest, {})["staging.stg_shared_events"].whole() is not None


def test_every_carrier_has_an_erasure_rule(database: Database, manifest: dict[str, Any]) -> None:
    """The contract: what carries a person's key, by the catalog and by dbt, is in the registry of erasure."""
    require_registry(TARGETS)
    with database.connect(ADMIN) as conn:
        require_cover(find_carriers(conn, manifest), TARGETS)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("mart_people", "select md5(subject) as who, count(*) as n from {{ ref('stg_training_events') }} group by 1"),
        ("agg_user_day", "select subject, lag(subject) over () as before from {{ ref('stg_training_events') }}"),
        ("mart_sessions", "select session, count(*) as n from {{ source('safe', 'pseudonymous_events') }} group by 1"),
    ],
)  # fmt: skip
def test_a_carrier_without_a_rule_breaks_the_contract(
    database: Database, manifest: dict[str, Any], name: str, code: str
) -> None:
    planted = {**manifest, "nodes": dict(manifest["nodes"])}
    template = manifest["nodes"].get(f"model.lethe.{name}") or {
        **manifest["nodes"]["model.lethe.agg_user_day"], "name": name, "alias": name, "schema": "marts",
    }  # fmt: skip
    planted["nodes"][f"model.lethe.{name}"] = {**template, "raw_code": code, "compiled_code": None}
    with database.connect(ADMIN) as conn, pytest.raises(UncoveredCarrierError, match=name):
        require_cover(find_carriers(conn, planted), TARGETS)
