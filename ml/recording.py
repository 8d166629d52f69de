"""A trained model as an MLflow run: its folder, figures and tags. Versions and aliases are registry.py's."""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ml import artifacts, record

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ml.training import Fitted

MODEL_FILE = "model/model.skops"


def fill(client: MlflowClient, run_id: str, fitted: Fitted, key: str) -> None:
    """Write a trained model's files, figures and tags into a run; the run stays open."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_model(fitted, folder / "model")
        tags = {**record.tags(fitted, key), **record.file_tags(folder / MODEL_FILE)}
        record.write_files(folder, fitted, tags)
        client.log_artifacts(run_id, str(folder))
    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(k, v, now, 0) for k, v in record.metrics(fitted).items()],
        params=[Param(k, v) for k, v in record.params(fitted).items()],
        tags=[RunTag(k, v) for k, v in tags.items()],
    )
    digest = fitted.training_set.manifest["dataset_digest"]
    data = Dataset(fitted.training_set.training_set_id, digest[:36], "lethe", "features.ftr_user_weekly")
    client.log_inputs(run_id, [DatasetInput(data)])


def save_model(fitted: Fitted, folder: Path) -> None:
    """Write the MLflow model folder: skops, a signature of types only, no input example, stated requirements."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own type hints while it is imported
        import mlflow.pyfunc
        import mlflow.sklearn

        mlflow.pyfunc.add_to_model  # noqa: B018 - a lazy module: the first attribute imports it
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs = Schema([ColSpec(DataType.double, name) for name in fitted.training_set.columns])
    mlflow.sklearn.save_model(
        fitted.pipeline,
        str(folder),
        serialization_format="skops",
        skops_trusted_types=list(artifacts.ALLOWED_TYPES),
        signature=ModelSignature(inputs=inputs, outputs=Schema([ColSpec(DataType.boolean)])),
        pip_requirements=record.requirements(),
    )
