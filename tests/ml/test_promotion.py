"""From rows to champion with real MLflow; shuffled labels and a leaked target do not get there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ml.gates import PromotionPolicy
from ml.journal import Journal
from ml.predictions import NoChampionError, NothingPendingError, publish_newest, score_champion
from ml.promotion import PromotionRefusedError, decide_promotion, promote, rollback
from ml.registry import Registry
from ml.training import Candidate, train_candidate
from ml.training_sets import TrainingPolicy, build_training_set
from tests.ml import features_table, synthetic
from tests.ml.conftest import SEAL_KEY
from warehouse.database import Database

pytestmark = [pytest.mark.integration]
POLICY = PromotionPolicy()


BASIS = "2:7"


def _events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for path in folder.iterdir() for line in path.read_text().splitlines()]


def test_features_become_published_predictions(database: Database, tmp_path: Path) -> None:
    """The whole way on PostgreSQL, each stage as its own role."""
    features_table.create(database, synthetic.frame(300, 8), unlabelled=True)
    registry = Registry(database.url("mlflow"), tmp_path / "artefacts", seal_key=SEAL_KEY)
    journal = Journal(tmp_path / "logs", now=lambda: synthetic.AT)
    with database.connect("ml") as conn:
        with pytest.raises(NoChampionError, match="no champion"):
            score_champion(conn, registry, predicted_at=synthetic.AT, consent_basis=BASIS)
        data = build_training_set(conn, TrainingPolicy(), synthetic.provenance())
        made = train_candidate(data, registry, journal, lambda _: None)
        assert promote(decide_promotion(made, registry, POLICY, journal), registry, journal) == 1
        with pytest.raises(NothingPendingError, match="score before publishing"):
            publish_newest(conn, registry)
        for _ in range(2):
            report = score_champion(conn, registry, predicted_at=synthetic.AT, consent_basis=BASIS)
        assert (report.n_rows, report.n_bots_left_out) == (285, 15)
        assert 0 < sum(n for _, n in report.first_reasons) <= 285
        assert _count(conn) == 0
        assert publish_newest(conn, registry) == publish_newest(conn, registry) == _count(conn) == 285
        score_champion(conn, registry, predicted_at=synthetic.AT, consent_basis=BASIS)
        assert _count(conn) == 285, "what is published stays until the new ones passed their gate"
        assert publish_newest(conn, registry) == _count(conn) == 285
    journal.close()
    assert {
        "DATASET_PREPROCESSED",
        "TRAINING_STARTED",
        "TRAINING_PROGRESS",
        "ALGORITHM_SELECTED",
        "MODEL_SAVED",
    } <= set(_events(tmp_path / "logs"))


def _count(conn: object) -> int:
    return int(conn.execute("select count(*) from ml.published_predictions").fetchone()[0])  # type: ignore[attr-defined]


def test_a_champion_is_compared_on_the_same_rows_and_can_be_rolled_back(
    candidate: Candidate, registry: Registry, journal: Journal
) -> None:
    first = decide_promotion(candidate, registry, POLICY, journal)
    assert first.passed, first.explain()
    promote(first, registry, journal)
    assert decide_promotion(candidate, registry, POLICY, journal).already_champion
    better = train_candidate(synthetic.training_set(synthetic.frame(900, 8, seed=4)), registry, journal, lambda _: None)
    decision = decide_promotion(better, registry, POLICY, journal)
    assert decision.incumbent == 1
    assert decision.comparison is not None
    assert decision.comparison.difference is not None
    registry.promote(better.version)
    assert rollback(registry, journal, "a test") == (2, 1)
    again = decide_promotion(better, registry, POLICY, journal)
    assert "not_rolled_back" in {v.name for v in again.verdicts if not v.passed}
    assert registry.champion() == 1


def test_shuffled_labels_are_refused(registry: Registry, journal: Journal) -> None:
    frame = synthetic.frame(400, 8)
    shuffled = frame.assign(is_churned=np.random.default_rng(9).permutation(frame["is_churned"]))
    made = train_candidate(synthetic.training_set(shuffled), registry, journal, lambda _: None)
    decision = decide_promotion(made, registry, POLICY, journal)
    assert "beats_baseline refused" in decision.explain()
    with pytest.raises(PromotionRefusedError, match="short"):
        promote(decision, registry, journal)
    assert registry.champion() is None


def test_a_leaked_target_raises_the_alarm_and_is_refused(registry: Registry, journal: Journal, tmp_path: Path) -> None:
    frame = synthetic.frame(400, 8)
    leaked = frame.assign(left=frame["is_churned"].astype(float))
    made = train_candidate(synthetic.training_set(leaked), registry, journal, lambda _: None)
    decision = decide_promotion(made, registry, POLICY, journal)
    assert [v.name for v in decision.verdicts if not v.passed] == ["plausible"]
    journal.close()
    assert "ISSUE_DETECTED" in _events(tmp_path / "logs")


def test_a_tampered_candidate_is_refused_by_the_load_gate(
    candidate: Candidate, registry: Registry, journal: Journal
) -> None:
    (path,) = registry._artifact_root.rglob("model.skops")
    path.write_bytes(path.read_bytes() + b" ")
    decision = decide_promotion(candidate, registry, POLICY, journal)
    assert {v.name for v in decision.verdicts if not v.passed} == {"loads", "size", "latency", "embedded"}


def test_a_champion_whose_features_are_gone_cannot_be_beaten_unseen(
    candidate: Candidate, registry: Registry, journal: Journal
) -> None:
    registry.promote(candidate.version)
    fewer = synthetic.training_set(synthetic.frame(400, 8).drop(columns="noise_0"))
    made = train_candidate(fewer, registry, journal, lambda _: None)
    decision = decide_promotion(made, registry, POLICY, journal)
    assert "features that are gone" in decision.explain()
