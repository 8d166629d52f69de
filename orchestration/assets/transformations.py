"""The dbt models as Dagster assets: one `dbt build` per run, and the border behind it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from orchestration import dbt, gates
from orchestration.platform import PlatformResource
from orchestration.row_counts import counted
from quality.suites import FEATURES_OUT

GATE = dg.AssetKey(["quality", FEATURES_OUT])
FEATURES = dg.AssetKey(["features", "ftr_user_weekly"])
LABELS = dg.AssetKey(["features", "lbl_user_churn"])


class Translator(DagsterDbtTranslator):
    """A dbt model's asset is named by its schema and belongs to that schema's group."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return [f"team:{dbt_resource_props.get('group') or 'analytics'}"]


def dbt_models(manifest: Path, select: str | None = None) -> dg.AssetsDefinition:
    """Every model and test of the project as one step; those of a selection with the tests of nothing else."""
    tests = ["--indirect-selection", "cautious"] if select else []

    @dbt_assets(manifest=manifest, select=select or "fqn:*", dagster_dbt_translator=Translator(), name="dbt_build")
    def dbt_build(
        context: dg.AssetExecutionContext, dbt_cli: DbtCliResource, platform: PlatformResource
    ) -> Iterator[Any]:
        opened = platform.open()
        dbt.use_login(opened.database)
        target = dbt.target_path(opened.settings)
        command = ["build", "--exclude-resource-type", "unit_test", "--log-path", str(target), *tests]
        with dbt.told(opened.echo, target / "build.log"), opened.database.connect("dbt", autocommit=True) as conn:
            yield from counted(dbt_cli.cli(command, context=context, target_path=target).stream(), conn)

    return dbt_build


@dg.asset(
    key=GATE, deps=[FEATURES, LABELS], group_name="features", owners=["team:quality"], kinds={"great_expectations"},
    check_specs=gates.check_specs(FEATURES_OUT, GATE),
    description="The gate between features and training. Refused: no training set, no model, no prediction.",
)  # fmt: skip
def features_out(context: dg.AssetExecutionContext, platform: PlatformResource) -> Iterator[object]:
    """Judge the feature rows and labels."""
    opened = platform.open()
    yield from gates.report(gates.judge(opened, FEATURES_OUT, run_key=context.run_id), GATE)
