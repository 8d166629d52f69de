"""Files of models whose training set is past its term: gone, counted, held or in use; and as retention does it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ml.expiry import OldModel, expire, old_models
from ml.registry import EMPTIED, ExpiredVersionError, NothingToRollBackToError, Registry
from ml.taint import TRAINING_SET
from orchestration.platform import Platform
from orchestration.privacy import retention_models
from privacy.retention import holds
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
AGES = {"churn-a": 800, "churn-b": 700, "churn-c": 366, "churn-d": 365, "churn-e": 0}  # days; 365 is the term
CUTOFF = date(2025, 11, 20)


@pytest.fixture
def home(database: Database, registry: Registry, settings: Settings) -> Platform:
    """A home with a version of each training set; the third was champion before the fourth, the second before that."""
    with database.connect("ml") as conn:
        for name, days in AGES.items():
            at = NOW - timedelta(days=days)
            conn.execute("insert into ml.training_sets values (%s, 'd', '{}', 1, 1, %s)", (name, at))
    for name in AGES:
        put(registry, name)
    for version in (2, 3, 4):
        registry.promote(version)
    platform = Platform(replace(settings, fixed_clock=NOW), database)
    platform.__dict__["registry"] = registry  # MLflow's tables of this worker, not made anew
    return platform


def put(registry: Registry, name: str, status: str = "FINISHED") -> str:
    """A run of a training set as `record` leaves it, with files that hold no model, and its version."""
    client = registry._client
    tags = {"lethe.training_key": f"key of {name}", TRAINING_SET: name, "lethe.artifact_sha256": "0"}
    run = client.create_run(registry._experiment_id, tags=tags, run_name=name)
    client.log_text(run.info.run_id, "a model", "model/model.skops")
    client.log_metric(run.info.run_id, "auc_roc", 0.8)
    client.set_terminated(run.info.run_id, status)
    if status == "FINISHED":
        registry._register(client.get_run(run.info.run_id))
    return str(run.info.run_id)


def files(registry: Registry) -> int:
    return sum(path.is_file() for path in registry._artifact_root.rglob("*"))


def found(home: Platform, cutoff_on: date | None = CUTOFF) -> list[OldModel]:
    with home.database.connect("erasure") as conn:
        return old_models(conn, home.registry, cutoff_on)


def test_versions_past_the_term_lose_their_files_and_nothing_else(home: Platform, registry: Registry) -> None:
    abandoned = put(registry, "churn-a", "KILLED")
    put(registry, "churn-e", "KILLED")
    old = found(home)
    assert [(m.version, m.training_set, m.aliases) for m in old] == [
        (1, "churn-a", ()), (2, "churn-b", ()), (3, "churn-c", ("previous",)), (None, "churn-a", ()),
    ]  # fmt: skip
    assert found(home, None) == []
    assert expire(registry, old, NOW) == 3
    assert files(registry) == 7 - 3
    assert [m.version for m in found(home)] == [3]
    assert registry.versions()[1][TRAINING_SET] == "churn-a"  # an erasure still finds whom it learnt from
    assert registry.describe(1)["metrics"] == {"auc_roc": 0.8}
    assert EMPTIED in registry._client.get_run(abandoned).data.tags


def test_nobody_uses_an_expired_version(home: Platform, registry: Registry, tmp_path: Path) -> None:
    expire(registry, found(home), NOW)
    for use in (registry.load_version, registry.promote, lambda version: registry.copy_model(version, tmp_path / "m")):
        with pytest.raises(ExpiredVersionError, match="version 1 of churn were deleted"):
            use(1)
    assert registry.finished("key of churn-a") is None  # trained again, should the same rows ever come back
    assert registry.finished("key of churn-d") == 4
    assert registry.rollback() == (4, 3)
    with pytest.raises(NothingToRollBackToError, match="files of version 2"):
        registry.rollback()
    assert registry.champion() == 3


def test_a_champion_and_a_challenger_stay_however_old(home: Platform, registry: Registry) -> None:
    registry._client.set_registered_model_alias(registry.name, "challenger", "1")
    registry._client.set_registered_model_alias(registry.name, "champion", "2")
    old = found(home, NOW.date())
    assert [m.version for m in old if not m.is_in_use] == [4]
    assert expire(registry, old, NOW) == 1
    assert {m.version: m.aliases for m in found(home, NOW.date())} == {
        1: ("challenger",), 2: ("champion",), 3: ("previous",),
    }  # fmt: skip
    assert "version 2 of churn (champion), training set of 2024-12-20" in [str(m) for m in old]


def test_a_kill_midway_is_made_good(home: Platform, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    old = found(home)
    with monkeypatch.context() as patched:
        patched.setattr(Registry, "empty", killed)
        with pytest.raises(KeyboardInterrupt):
            expire(registry, old, NOW)
    with pytest.raises(ExpiredVersionError):  # half gone is not used either
        registry.load_version(1)
    assert expire(registry, found(home), NOW) == 2
    assert files(registry) == 3


def test_retention_counts_holds_and_deletes(home: Platform, registry: Registry) -> None:
    planned = retention_models.planned(home)
    assert (planned.line.n, planned.line.n_held, planned.line.cutoff_on) == (2, 0, CUTOFF)
    assert [str(model) for model in planned.in_use] == ["version 3 of churn (previous), training set of 2025-11-19"]
    with home.database.connect("privacy") as conn:
        day = NOW.date() - timedelta(days=AGES["churn-a"])
        holds.place(conn, placed_by="o", reason="court", table=planned.line.store, now=NOW, days=(day, day))
    assert retention_models.expire(home).line.n_held == 1
    assert [(m.version, m.is_in_use) for m in found(home)] == [(1, False), (3, True)]
    assert files(registry) == 4
    assert retention_models.expire(home).line.n == 0
    with home.database.connect("erasure") as conn:
        runs = conn.execute("select store, policy, method, n_deleted, n_held from privacy.retention_runs").fetchall()
    assert runs == [("model artefacts", "ml_training_data", "models", 1, 1), (*runs[0][:3], 0, 1)]
    assert json.dumps([str(m) for m in planned.going])
