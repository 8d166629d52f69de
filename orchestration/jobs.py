"""The jobs: taking events in, and everything from raw to published predictions."""

from __future__ import annotations

import dagster as dg

from orchestration.assets.collection import CONSENT, IMPORTS

INTAKE = "intake_job"
PIPELINE = "pipeline_job"
RETRAIN = "retrain_job"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

intake_job = dg.define_asset_job(
    INTAKE, selection=dg.AssetSelection.assets(IMPORTS, CONSENT), description="Import files, or the simulation."
)
pipeline_job = dg.define_asset_job(
    PIPELINE,
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(IMPORTS, CONSENT),
    description="From changed days to published predictions, through every gate.",
)
retrain_job = dg.define_asset_job(
    RETRAIN,
    selection=dg.AssetSelection.groups("ml")
    | dg.AssetSelection.assets(["quality", "features_out"])
    | dg.AssetSelection.assets(["quality", "predictions_out"]),
    description="Train, gate, promote and predict on the features as they are.",
)
