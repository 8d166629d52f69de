"""Every asset that people's rows reach writes where an erasure looks; a new one that says nowhere where is caught."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import dbt
from privacy.carriers.catalog import carriers, fetch_columns, fetch_views
from privacy.erasure.assets import PLACES, ROOTS, require_assets
from privacy.erasure.errors import UncoveredCarrierError
from privacy.erasure.targets import TARGETS, require_cover
from warehouse.database import ADMIN, Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def parents(definitions: dg.Definitions) -> dict[str, list[str]]:
    """The graph that Dagster shows, as names."""
    graph = definitions.get_repository_def().asset_graph
    return {
        key.to_user_string(): [parent.to_user_string() for parent in graph.get(key).parent_keys]
        for key in graph.get_all_asset_keys()
    }


@pytest.fixture(scope="module")
def manifest(definitions: dg.Definitions, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """dbt's manifest, parsed for the definitions already."""
    del definitions
    found: dict[str, Any] = json.loads(dbt.manifest_path(Settings.load(newest(tmp_path_factory))).read_text())
    return found


def newest(factory: pytest.TempPathFactory) -> Path:
    return sorted(factory.getbasetemp().glob("definitions*/home"))[-1]


def tables(database: Database, manifest: dict[str, Any]) -> set[str]:
    with database.connect(ADMIN) as conn:
        live = {column.table for column in fetch_columns(conn)}
    return live | {f"{node['schema']}.{node['name']}" for node in manifest["nodes"].values() if "raw_code" in node}


def test_every_asset_of_people_writes_where_an_erasure_looks(
    parents: dict[str, list[str]], manifest: dict[str, Any], database: Database
) -> None:
    found = require_assets(parents, tables(database, manifest))
    assert set(ROOTS) <= set(found)
    assert set(PLACES) <= set(parents)
    assert found["features/ftr_user_weekly"] == ("features.ftr_user_weekly",)
    assert found["ml/churn_champion"] == ("mlflow",)


@pytest.mark.parametrize("asset", ["features/side_file", "ml/notebook_export"])
def test_an_asset_that_says_nowhere_where_it_writes_is_caught(
    parents: dict[str, list[str]], manifest: dict[str, Any], database: Database, asset: str
) -> None:
    with pytest.raises(UncoveredCarrierError, match=asset):
        require_assets(parents | {asset: ["features/ftr_user_weekly"]}, tables(database, manifest))
    require_assets(parents | {asset: []}, tables(database, manifest))  # made of nobody's rows


def test_an_asset_whose_table_carries_a_key_without_a_rule_is_caught(
    parents: dict[str, list[str]], manifest: dict[str, Any], database: Database
) -> None:
    with database.connect(ADMIN) as conn:
        conn.execute("create table ml.forgotten (subject text)")
        found = carriers(fetch_columns(conn), fetch_views(conn), None)
    require_assets(parents | {"ml/forgotten": ["ml/predictions"]}, tables(database, manifest))
    with pytest.raises(UncoveredCarrierError, match=r"ml\.forgotten\.subject"):
        require_cover([carrier for carrier in found if carrier.table.startswith("ml.")], TARGETS)
