"""A model file with code in it, with other bytes or with types of its own choosing is never loaded."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ml import artifacts, churn
from ml.artifacts import TamperedArtefactError, UntrustedArtefactError, file_digest, load_checked

ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 3)), columns=["a", "b", "c"])
LABELS = (ROWS["a"] > 0).to_numpy(np.bool_)


class Payload:
    """Touches a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.path,))


def _saved(fitted: object, folder: Path) -> Path:
    path = folder / "model.skops"
    skops.io.dump(fitted, path)
    return path


@pytest.mark.parametrize("rung", churn.RUNGS)
def test_every_rung_loads_and_scores_the_same(rung: str, tmp_path: Path) -> None:
    fitted = churn.fit(rung, ROWS, LABELS)
    path = _saved(fitted, tmp_path)
    loaded = load_checked(path, file_digest(path))
    np.testing.assert_array_equal(churn.probabilities(loaded, ROWS), churn.probabilities(fitted, ROWS))
    assert artifacts.learned_digest(loaded) == artifacts.learned_digest(fitted)


def test_changed_bytes_are_refused_before_they_are_parsed(tmp_path: Path) -> None:
    path = _saved(churn.fit("majority", ROWS, LABELS), tmp_path)
    digest = file_digest(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(TamperedArtefactError, match="restore the file"):
        load_checked(path, digest)


def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    path, mark = tmp_path / "model.skops", tmp_path / "mark"
    path.write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(UntrustedArtefactError, match="no readable skops file"):
        load_checked(path, file_digest(path))
    assert not mark.exists()


@pytest.mark.parametrize(
    "hostile",
    [
        Pipeline([("run", FunctionTransformer(func=np.load)), ("c", DummyClassifier())]),
        Pipeline([("run", FunctionTransformer(func=pd.eval)), ("c", DummyClassifier())]),
        Pipeline([("knn", KNeighborsClassifier().fit(ROWS, LABELS))]),
    ],
    ids=["reads files", "evaluates code", "keeps training rows"],
)
def test_types_outside_the_list_are_refused(hostile: Pipeline, tmp_path: Path) -> None:
    path = _saved(hostile, tmp_path)
    with pytest.raises(UntrustedArtefactError, match="not allowed"):
        load_checked(path, file_digest(path))


def test_something_that_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    path = _saved({"a": 1}, tmp_path)
    with pytest.raises(UntrustedArtefactError, match="not a Pipeline"):
        load_checked(path, file_digest(path))


def test_the_learned_digest_sees_one_changed_weight() -> None:
    fitted = churn.fit("logistic regression", ROWS, LABELS)
    before = artifacts.learned_digest(fitted)
    fitted[-1].coef_[0, 0] += 1e-12
    assert artifacts.learned_digest(fitted) != before


def test_the_allow_list_is_not_longer_than_the_models_need(tmp_path: Path) -> None:
    needed: set[str] = set()
    for rung in churn.RUNGS:
        needed |= set(skops.io.get_untrusted_types(file=_saved(churn.fit(rung, ROWS, LABELS), tmp_path)))
    assert needed == set(artifacts.ALLOWED_TYPES)
