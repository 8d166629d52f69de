"""A model registry on a database of its own, and one small training set shared by the tests of a worker."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.journal import Journal
from ml.registry import Registry
from ml.training import Candidate, train_candidate
from ml.training_sets import TrainingSet
from tests.ml import synthetic

SEAL_KEY = bytes(range(32))


@pytest.fixture(scope="session")
def mlflow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with MLflow's tables in it; creating them takes seconds, copying does not."""
    path = tmp_path_factory.mktemp("mlflow") / "template.db"
    Registry(f"sqlite:///{path}", path.parent / "artefacts", seal_key=SEAL_KEY).champion()
    return path


@pytest.fixture
def registry(mlflow_template: Path, tmp_path: Path) -> Registry:
    shutil.copy(mlflow_template, tmp_path / "mlflow.db")
    return Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artefacts", seal_key=SEAL_KEY)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "logs", now=lambda: synthetic.AT) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_set() -> TrainingSet:
    return synthetic.training_set(synthetic.frame(400, 8))


@pytest.fixture
def candidate(small_set: TrainingSet, registry: Registry, journal: Journal) -> Candidate:
    return train_candidate(small_set, registry, journal, lambda _: None)
