"""Everything Dagster loads. Loading needs no database: it parses the dbt project when that changed."""

from __future__ import annotations

import os
import warnings

import dagster as dg

from warehouse.settings import TELEMETRY_OFF, Settings, export

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # BackfillPolicy: one run for a range is what we need
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def build_definitions(settings: Settings) -> dg.Definitions:
    """Fresh definitions for one home. Raises DbtParseError."""
    from dagster_dbt import DbtCliResource

    from orchestration import dbt, jobs, schedules, sensors
    from orchestration.assets import collection, model, privacy, transformations
    from orchestration.platform import PlatformResource

    export({**TELEMETRY_OFF, **{k: v for k, v in dbt.NO_LOGIN.items() if k not in os.environ}})
    manifest = dbt.manifest_path(settings)
    return dg.Definitions(
        assets=[
            collection.intake,
            collection.system_logs,
            privacy.raw_in,
            privacy.privacy_transform,
            transformations.dbt_models(manifest),
            transformations.features_out,
            model.churn_model,
            model.predictions,
            model.predictions_out,
            model.published_predictions,
        ],
        jobs=[jobs.intake_job, jobs.pipeline_job, jobs.retrain_job],
        schedules=[schedules.daily, schedules.weekly_retraining],
        sensors=[sensors.dirty_days, sensors.drift],
        resources={
            "platform": PlatformResource(home=str(settings.home)),
            "dbt_cli": DbtCliResource(project_dir=str(dbt.PROJECT_DIR), profiles_dir=str(dbt.PROJECT_DIR)),
        },
        executor=dg.multiprocess_executor.configured(
            {"max_concurrent": 1, "start_method": {"forkserver": {"preload_modules": PRELOADED}}}
        ),
    )


# Imported once by the fork server instead of in every step's process.
PRELOADED = ["dagster", "dagster_dbt", "dagster_postgres", "pandas", "pyarrow", "psycopg", "duckdb"]

defs = build_definitions(Settings.load())
