"""Files of models whose training set is past its term: gone, counted or held, in use or not; as retention does it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ml.expiry import OldModel, expire, old_models
from ml.predictions import NothingPendingError
from ml.registry import EMPTIED, EXPIRED, ExpiredVersionError, NothingToRollBackToError, Registry
from ml.seals import UnsealedChampionError
from ml.taint import TRAINING_SET
from orchestration.platform import Platform
from orchestration.privacy import retention_models
from orchestration.training import publish
from privacy.retention import holds, policies
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
    assert expire(registry, old, NOW) == 4
    assert files(registry) == 7 - 4
    assert found(home) == []
    assert registry.aliases() == {4: ("champion",)}
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
    with pytest.raises(NothingToRollBackToError, match="no champion before version 4"):
        registry.rollback()
    assert registry.champion() == 4


def test_a_version_half_expired_is_not_rolled_back_to(registry: Registry, home: Platform) -> None:
    registry.note(3, {EXPIRED: NOW.isoformat()})  # all that a run which was killed then has done
    with pytest.raises(NothingToRollBackToError, match="files of version 3"):
        registry.rollback()
    assert [m.version for m in found(home)] == [1, 2, 3]


def test_a_model_in_use_goes_with_its_term_and_another_takes_its_place(home: Platform, registry: Registry) -> None:
    registry._client.set_registered_model_alias(registry.name, "challenger", "1")
    old = found(home, NOW.date())
    assert "version 4 of churn (champion), training set of 2025-11-20" in [str(m) for m in old]
    assert expire(registry, old, NOW) == 4
    assert (registry.champion(), registry.aliases()) == (None, {})
    with pytest.raises(NothingToRollBackToError, match="promote one first"):
        registry.rollback()
    with pytest.raises(NothingPendingError, match="churn has no champion"):
        publish(home)
    registry._client.set_registered_model_alias(registry.name, "champion", "4")  # by hand: no seal names it any more
    with pytest.raises(UnsealedChampionError):
        registry.champion()
    assert registry.rollback() == (4, None)
    registry.promote(5)
    assert registry.aliases() == {5: ("champion",)}


def test_three_years_leave_no_model_file_older_than_its_term_and_a_day(
    database: Database, registry: Registry, settings: Settings
) -> None:
    """The first version stays champion throughout: no training is ever good enough."""
    made: list[date] = []
    for half_years in range(7):
        now = NOW + timedelta(days=183 * half_years)
        made.append(now.date())
        with database.connect("ml") as conn:
            conn.execute("insert into ml.training_sets values (%s, 'd', '{}', 1, 1, %s)", (f"s{half_years}", now))
        put(registry, f"s{half_years}")
        if half_years == 0:
            registry.promote(1)
        at = Platform(replace(settings, fixed_clock=now), database)
        at.__dict__["registry"] = registry
        retention_models.expire(at)
        kept = [made[version - 1] for version, tags in registry.versions().items() if EMPTIED not in tags]
        assert kept == [day for day in made if (now.date() - day).days <= 365]
        assert files(registry) == len(kept)
        assert registry.champion() == (1 if half_years < 2 else None)


def test_a_training_is_due_before_the_term_ends(home: Platform) -> None:
    assert retention_models.ending(home, 5) is None
    due = retention_models.ending(home, 4)
    assert due is not None
    assert due.startswith("version 4 of churn (champion), training set of 2025-11-20 is near")
    with home.database.connect("privacy") as conn:
        policies.set_policy(conn, "ml_training_data", 800, changed_by="o", reason="r", now=NOW)
    assert retention_models.ending(home, 4) is None


def test_the_files_of_every_model_end_with_their_term(home: Platform, registry: Registry) -> None:
    """Versions of two models have the same numbers; each loses its own files."""
    other = registry.of("next_action")
    put(other, "churn-a")
    put(other, "churn-e")
    assert retention_models.planned(home).line.n == 4
    assert retention_models.expire(home).line.n == 4
    assert [EMPTIED in tags for tags in other.versions().values()] == [True, False]
    assert [EMPTIED in tags for tags in registry.versions().values()] == [True, True, True, False, False]


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
    assert expire(registry, found(home), NOW) == 3
    assert files(registry) == 2


def test_retention_counts_holds_and_deletes(home: Platform, registry: Registry) -> None:
    planned = retention_models.planned(home)
    assert (planned.line.n, planned.line.n_held, planned.line.cutoff_on) == (3, 0, CUTOFF)
    assert [model.version for model in planned.in_use] == [3, 4]
    with home.database.connect("privacy") as conn:
        day = NOW.date() - timedelta(days=AGES["churn-a"])
        holds.place(conn, placed_by="o", reason="court", table=planned.line.store, now=NOW, days=(day, day))
    assert retention_models.expire(home).line.n_held == 1
    assert [(m.version, m.is_in_use) for m in found(home)] == [(1, False)]
    assert files(registry) == 3
    assert retention_models.expire(home).line.n == 0
    with home.database.connect("erasure") as conn:
        runs = conn.execute("select store, policy, method, n_deleted, n_held from privacy.retention_runs").fetchall()
    assert runs == [("model artefacts", "ml_training_data", "models", 2, 1), (*runs[0][:3], 0, 1)]
    assert json.dumps([str(m) for m in planned.going])
