"""A registered version without a training behind it: a small fitted pipeline with its digest."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import skops.io
from sklearn.pipeline import Pipeline

from ml import artifacts, churn
from ml.gates import Verdict
from ml.promotion import PromotionDecision
from ml.registry import Registry
from tests.ml import synthetic

COLUMNS = ["days_since_last_event", "n_events_28d", "noise_0"]


def fitted(rung: str = "logistic regression", seed: int = 0) -> Pipeline:
    """A rung fitted on a few hundred rows."""
    rows = synthetic.frame(150, 4, seed=seed)
    return churn.fit(rung, rows[COLUMNS], rows["is_churned"].to_numpy(np.bool_))


def register(registry: Registry, folder: Path, pipeline: Pipeline | None = None) -> int:
    """A new version of the registry's model."""
    from mlflow.exceptions import MlflowException

    client = registry._client
    run = client.create_run(registry._experiment_id)
    path = folder / run.info.run_id / "model" / "model.skops"
    path.parent.mkdir(parents=True)
    skops.io.dump(pipeline or fitted(), path)
    (path.parent.parent / "facts.json").write_text(json.dumps({}))
    client.log_artifacts(run.info.run_id, str(path.parent.parent))
    client.set_terminated(run.info.run_id, "FINISHED")
    tags = {"lethe.artifact_sha256": artifacts.file_digest(path), "lethe.gates": "calibrated passed"}
    with contextlib.suppress(MlflowException):
        client.create_registered_model(registry.name)
    made = client.create_model_version(registry.name, f"{run.info.artifact_uri}/model", run.info.run_id, tags=tags)
    return int(made.version)


def passed(registry: Registry, version: int, *, approvals: int = 2) -> PromotionDecision:
    """A decision of gates that all passed."""
    verdicts = (Verdict("calibrated", True, 0.01, 0.05, "expected calibration error"),)
    return PromotionDecision(registry.name, version, registry.champion(), verdicts, None, approvals=approvals)


def refused(registry: Registry, version: int) -> PromotionDecision:
    """A decision of a gate that refused, where two people would have had to approve."""
    verdicts = (Verdict("calibrated", False, 0.2, 0.05, "expected calibration error"),)
    return PromotionDecision(registry.name, version, registry.champion(), verdicts, None, approvals=2)
