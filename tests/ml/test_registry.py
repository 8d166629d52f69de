"""The record of models: complete, idempotent, checked before it is loaded, and free of values of rows."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from ml.artifacts import TamperedArtefactError
from ml.journal import Journal
from ml.registry import LONGEST_RECORDING_S, NothingToRollBackToError, Registry, UnknownVersionError
from ml.training import Candidate, train_candidate, training_key
from tests.ml import synthetic

if TYPE_CHECKING:
    from ml.training_sets import TrainingSet

pytestmark = [pytest.mark.integration]
with_candidate = pytest.mark.usefixtures("candidate")


def _model_file(registry: Registry) -> Path:
    (path,) = registry._artifact_root.rglob("model.skops")
    return path


def test_the_run_holds_everything_that_made_the_model(candidate: Candidate, registry: Registry) -> None:
    run = registry._client.get_run(registry.run_id(candidate.version))
    manifest = candidate.training_set.manifest
    tags = run.data.tags
    assert run.info.status == "FINISHED"
    assert tags["lethe.dataset_digest"] == manifest["dataset_digest"]
    assert tags["lethe.dbt_manifest_hash"] == "d" * 64
    assert tags["lethe.consent_snapshot"] == "c" * 64
    assert tags["lethe.code_version"] == "0.1.0+test"
    assert tags["lethe.raw_partitions"] == "2: 2023-01 to 2023-02"
    assert {"auc_roc", "auc_roc_low", "auc_roc_high", "ece", "with_bots/auc_roc"} <= set(run.data.metrics)
    names = {p.relative_to(registry._artifact_root).name for p in registry._artifact_root.rglob("*")}
    assert {"roc_pr.png", "calibration.png", "feature_importance.png", "model_card.html", "manifest.json"} <= names


@with_candidate
def test_no_value_of_a_row_is_stored(registry: Registry) -> None:
    """Subjects and companies are in the rows; neither they nor an input example may be in any file or table."""
    stored = b"".join(p.read_bytes() for p in registry._artifact_root.parent.rglob("*") if p.is_file())
    assert b"s000123" not in stored
    assert not re.search(rb"(?<![0-9a-f])c007(?![0-9a-f])", stored)  # digests hold any four hex digits
    assert not list(registry._artifact_root.rglob("*input_example*"))
    signature = yaml.safe_load((_model_file(registry).parent / "MLmodel").read_text())["signature"]
    assert "double" in signature["inputs"]


def test_the_same_training_set_makes_no_second_version(
    candidate: Candidate, small_set: TrainingSet, registry: Registry, journal: Journal
) -> None:
    again = train_candidate(small_set, registry, journal, lambda _: None)
    assert (again.version, again.reused) == (candidate.version, True)
    assert again.report.evaluation == candidate.report.evaluation
    assert again.ladder == candidate.ladder


def test_a_run_that_a_kill_left_running_is_ended(small_set: TrainingSet, registry: Registry, journal: Journal) -> None:
    run = registry._client.create_run(registry._experiment_id, tags={"lethe.training_key": training_key(small_set)})
    made = train_candidate(small_set, registry, journal, lambda _: None)
    assert registry._client.get_run(run.info.run_id).info.status == "KILLED"
    assert made.version == 1


@pytest.mark.parametrize(("age_s", "status"), [(LONGEST_RECORDING_S + 60, "KILLED"), (60, "RUNNING")])
def test_a_run_of_another_training_set_is_ended_once_it_is_too_old(registry: Registry, age_s: int, status: str) -> None:
    """A kill followed by new data: nobody trains on the old set again. A young run may be somebody's, just now."""
    began = int((time.time() - age_s) * 1000)
    run = registry._client.create_run(registry._experiment_id, began, {"lethe.training_key": "of other data"})
    assert registry.end_abandoned_runs("of this data") == (status == "KILLED")
    assert registry._client.get_run(run.info.run_id).info.status == status


def test_a_kill_between_run_and_version_is_made_good(candidate: Candidate, registry: Registry) -> None:
    registry._client.delete_model_version(registry.name, str(candidate.version))
    version = registry.finished(training_key(candidate.training_set))
    assert version is not None
    assert registry.load_version(version).n_bytes > 0


def test_a_failure_while_recording_leaves_no_version(
    small_set: TrainingSet, registry: Registry, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("ml.record.write_files", full)
    with pytest.raises(OSError, match="No space left"):
        train_candidate(small_set, registry, journal, lambda _: None)
    assert registry.finished(training_key(small_set)) is None
    report = journal.close()
    assert report.n_dropped == 0
    text = next((registry._artifact_root.parent / "logs").iterdir()).read_text()
    assert "TRAINING_FAILED" in text


def test_a_journal_on_a_full_disk_costs_no_training(small_set: TrainingSet, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "decisions-2024-05-06.jsonl").symlink_to("/dev/full")
    full = Journal(tmp_path, now=lambda: datetime(2024, 5, 6, tzinfo=UTC))
    assert train_candidate(small_set, registry, full, lambda _: None).version == 1
    report = full.close()
    assert report.n_written == 0 < report.n_dropped


def test_tampered_bytes_are_refused(candidate: Candidate, registry: Registry) -> None:
    path = _model_file(registry)
    path.write_bytes(path.read_bytes().replace(b"PK", b"PK", 1) + b" ")
    with pytest.raises(TamperedArtefactError):
        registry.load_version(candidate.version)


def test_trusted_types_in_the_artefacts_own_metadata_are_ignored(candidate: Candidate, registry: Registry) -> None:
    """A file with a type of its own choosing and an MLmodel that trusts it, registered digest and all."""
    import pandas as pd
    import skops.io
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    from ml.artifacts import UntrustedArtefactError, file_digest

    path = _model_file(registry)
    skops.io.dump(Pipeline([("run", FunctionTransformer(func=pd.eval)), ("c", DummyClassifier())]), path)
    meta = path.parent / "MLmodel"
    document = yaml.safe_load(meta.read_text())
    document["flavors"]["sklearn"]["skops_trusted_types"] = skops.io.get_untrusted_types(file=path)
    meta.write_text(yaml.safe_dump(document))
    registry.note(candidate.version, {"lethe.artifact_sha256": file_digest(path)})
    with pytest.raises(UntrustedArtefactError):
        registry.load_version(candidate.version)


@with_candidate
def test_champions_move_forward_and_back(registry: Registry, journal: Journal) -> None:
    assert registry.champion() is None
    with pytest.raises(NothingToRollBackToError):
        registry.rollback()
    other = synthetic.training_set(synthetic.frame(300, 8, seed=5))
    second = train_candidate(other, registry, journal, lambda _: None)
    for version in (1, 1, second.version):
        registry.promote(version)
    assert registry.champion() == second.version == 2
    assert registry.rollback() == (2, 1)
    assert registry.champion() == 1
    with pytest.raises(NothingToRollBackToError, match="no champion before"):
        registry.rollback()
    registry.promote(2)
    assert registry.rollback() == (2, 1)


def test_an_interrupted_training_is_journaled_and_taken_up_again(
    small_set: TrainingSet, registry: Registry, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ml.record.write_files", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_candidate(small_set, registry, journal, lambda _: None)
    assert train_candidate(small_set, registry, journal, lambda _: None).version == 1
    runs = registry._client.search_runs([registry._experiment_id])
    assert sorted(run.info.status for run in runs) == ["FINISHED", "KILLED"]
    journal.close()
    assert "TRAINING_STOPPED" in next((registry._artifact_root.parent / "logs").iterdir()).read_text()


def test_an_unknown_version_is_named(candidate: Candidate, registry: Registry) -> None:
    with pytest.raises(UnknownVersionError, match="no version 99"):
        registry.promote(candidate.version + 98)


@with_candidate
def test_telemetry_is_off() -> None:
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert is_telemetry_disabled()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
