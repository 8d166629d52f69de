"""The next-action assets in a home: a log too small for a model stops nothing and says why; a larger one has rows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ml.gates import POLICIES
from orchestration import cli, facts, models
from orchestration.assets import next_action
from orchestration.assets.next_action import CANDIDATE, CHAMPION, RECOMMENDATIONS, TRAINING_SET
from orchestration.platform import PlatformResource
from tests.ml import versions
from tests.ml.next_action import habits

ASSETS = [next_action.next_action_model, next_action.recommendations]


def test_what_the_command_line_and_dagster_name_is_what_policies_judge() -> None:
    assert tuple(POLICIES) == models.NAMES
    assert POLICIES["next_action"].gates == next_action.PROMOTION_GATES


@pytest.mark.integration
def test_from_sessions_to_recommendations_or_a_reason(
    platform: PlatformResource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = platform.open()
    for sessions, why in ((None, "is not built"), (habits.rows(10), "import a longer history")):
        if sessions is not None:
            habits.store(opened.database, sessions)
        done = run(platform)
        assert why in shown(done, CANDIDATE)["not_trained"]
        assert "has no champion" in shown(done, RECOMMENDATIONS)["not_recommended"]
        checks = done.get_asset_check_evaluations()
        assert [check.passed for check in checks] == [False] * len(next_action.PROMOTION_GATES)
        assert {check.severity for check in checks} == {dg.AssetCheckSeverity.WARN}
    others = habits.rows(160)
    habits.store(opened.database, others[others["subject"] >= "u_0010"])
    done = run(platform)
    assert shown(done, TRAINING_SET)["cutoff_on"] == str(habits.FIRST + timedelta(days=habits.N_DAYS))
    assert shown(done, CANDIDATE)["rung"] == "Markov chain"
    assert {"figures", "slices", "ranking", "calibration", "mlflow_run"} <= set(shown(done, CANDIDATE))
    assert all(check.passed for check in done.get_asset_check_evaluations())
    assert shown(done, CHAMPION)["version"] == 1
    assert shown(done, RECOMMENDATIONS)["dagster/row_count"] == 3 * 158
    assert facts.champion(opened) == "next_action version 1"
    assert cli.main(["models", "list", "--home", str(opened.home)]) == cli.DONE
    listed = capsys.readouterr().out
    assert "churn: no champion" in listed
    assert "version 1: champion; Markov chain; passed its gates" in listed
    undo = ["rollback", "--model", "next_action", "--reason", "r", "--home", str(opened.home)]
    assert (cli.main(undo), "next_action has no champion before version 1" in capsys.readouterr().err) == (
        cli.USAGE, True,
    )  # fmt: skip
    registry = opened.registry_of("next_action")
    registry.promote(versions.register(registry, tmp_path))
    assert (cli.main(undo), capsys.readouterr().out) == (cli.DONE, "champion of next_action: version 2 -> 1\n")


def run(platform: PlatformResource) -> dg.ExecuteInProcessResult:
    done = dg.materialize(ASSETS, resources={"platform": platform})
    assert done.success
    return done


def shown(done: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    return facts.metadata_of(done, key)
