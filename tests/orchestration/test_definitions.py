"""What Dagster loads: every asset named, owned and described; partitions, jobs and checks where they belong."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from orchestration.assets.partitions import DAYS, PARTITIONED
from quality import suites

KEYS = Path(__file__).with_name("asset_keys.txt")


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> AssetGraph:
    """The asset graph that the UI shows."""
    return definitions.get_repository_def().asset_graph


def materialised(graph: AssetGraph) -> set[dg.AssetKey]:
    """The assets that a run makes (dbt's sources are made by other assets)."""
    return set(graph.materializable_asset_keys)


def test_the_keys_are_those_of_the_snapshot(graph: AssetGraph) -> None:
    """A renamed asset loses its history: change the snapshot on purpose only."""
    assert sorted(key.to_user_string() for key in materialised(graph)) == KEYS.read_text().split()


def test_every_asset_has_owner_group_and_description(graph: AssetGraph) -> None:
    nodes = [graph.get(key) for key in materialised(graph)]
    assert [node.key for node in nodes if not (node.owners and node.group_name and node.description)] == []
    assert "default" not in {node.group_name for node in nodes}


def test_one_graph_leads_from_the_file_to_the_champion(graph: AssetGraph) -> None:
    above = graph.get_ancestor_asset_keys(dg.AssetKey(["ml", "churn_champion"]))
    way = (["raw", "imports"], ["raw", "system_logs"], ["quality", "raw_in"], ["safe", "pseudonymous_events"],
           ["aggregates", "agg_user_day"], ["features", "ftr_user_weekly"], ["quality", "features_out"],
           ["ml", "training_set"], ["ml", "churn_candidate"])  # fmt: skip
    assert {dg.AssetKey(key) for key in way} <= set(above)


def test_the_gates_stand_between(graph: AssetGraph) -> None:
    """Without the gate's edge the graph would let data past it."""

    def parents(*parts: str) -> set[dg.AssetKey]:
        return set(graph.get(dg.AssetKey(list(parts))).parent_keys)

    assert dg.AssetKey(["quality", "raw_in"]) in parents("safe", "pseudonymous_events")
    assert dg.AssetKey(["quality", "raw_in"]) in parents("safe", "anonymous_events")
    assert dg.AssetKey(["quality", "features_out"]) in parents("ml", "training_set")
    assert dg.AssetKey(["quality", "predictions_out"]) in parents("ml", "published_predictions")


def test_partitioned_names_exactly_the_partitioned_assets(graph: AssetGraph) -> None:
    found = {key for key in materialised(graph) if graph.get(key).partitions_def is not None}
    assert found == PARTITIONED
    assert all(graph.get(key).partitions_def == DAYS for key in found)
    assert all(graph.get(key).backfill_policy == dg.BackfillPolicy.single_run() for key in found)


def test_every_rule_of_a_suite_is_a_blocking_check_in_the_graph(graph: AssetGraph) -> None:
    for suite in suites.SUITES:
        keys = {key for key in graph.asset_check_keys if key.asset_key == dg.AssetKey(["quality", suite])}
        assert len(keys) == len(suites.rules_of(suite))
        assert all(graph.get(key).blocking for key in keys)


def test_every_step_that_can_refuse_is_known_as_a_gate(definitions: dg.Definitions) -> None:
    from orchestration.facts import GATE_STEPS

    steps = {node.name for node in definitions.resolve_job_def("pipeline_job").nodes}
    assert steps >= GATE_STEPS


@pytest.mark.parametrize(
    ("job", "assets", "others"),
    [
        ("intake_job", {"raw/imports", "consent/consent_events"}, {"raw/system_logs"}),
        (
            "pipeline_job",
            {"raw/system_logs", "quality/raw_in", "safe/pseudonymous_events", "ml/published_predictions"},
            {"raw/imports", "consent/consent_events"},
        ),
        (
            "retrain_job",
            {"quality/features_out", "ml/training_set", "ml/churn_champion", "quality/predictions_out"},
            {"features/ftr_user_weekly", "safe/pseudonymous_events", "quality/raw_in"},
        ),
    ],
)
def test_jobs_select_what_they_say(definitions: dg.Definitions, job: str, assets: set[str], others: set[str]) -> None:
    selected = {key.to_user_string() for key in definitions.resolve_job_def(job).asset_layer.selected_asset_keys}
    assert assets <= selected
    assert not others & selected


def test_intake_and_pipeline_make_every_asset(definitions: dg.Definitions, graph: AssetGraph) -> None:
    made: set[dg.AssetKey] = set()
    for job in ("intake_job", "pipeline_job"):
        made |= set(definitions.resolve_job_def(job).asset_layer.selected_asset_keys)
    assert made == materialised(graph)
