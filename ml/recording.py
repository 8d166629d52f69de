"""A trained model as an MLflow run: its folder, figures and tags. Versions and aliases are registry.py's."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ml import record

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ml.contenders import Trained

MODEL_FILE = "model/model.skops"


def fill(client: MlflowClient, run_id: str, fitted: Trained, key: str, types: Sequence[str]) -> None:
    """Write a trained model's files, figures and tags into a run; the run stays open. types: what the file may hold."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_model(fitted, folder / "model", types)
        tags = {**record.tags(fitted, key), **record.file_tags(folder / MODEL_FILE)}
        fitted.write_files(folder, tags)
        client.log_artifacts(run_id, str(folder))
    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(k, v, now, 0) for k, v in fitted.metrics().items()],
        params=[Param(k, v) for k, v in fitted.params().items()],
        tags=[RunTag(k, v) for k, v in tags.items()],
    )
    digest = fitted.training_set.manifest["dataset_digest"]
    data = Dataset(fitted.training_set.training_set_id, digest[:36], "lethe", fitted.source)
    client.log_inputs(run_id, [DatasetInput(data)])


def save_model(fitted: Trained, folder: Path, types: Sequence[str]) -> None:
    """Write the MLflow model folder: skops, a signature of types only, no input example, stated requirements."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own type hints while it is imported
        import mlflow.pyfunc
        import mlflow.sklearn

        mlflow.pyfunc.add_to_model  # noqa: B018 - a lazy module: the first attribute imports it
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs = Schema([ColSpec(DataType[kind], name) for name, kind in fitted.inputs.items()])
    mlflow.sklearn.save_model(
        fitted.pipeline,
        str(folder),
        serialization_format="skops",
        skops_trusted_types=list(types),
        signature=ModelSignature(inputs=inputs, outputs=Schema([ColSpec(DataType[fitted.output])])),
        pip_requirements=record.requirements(),
    )
