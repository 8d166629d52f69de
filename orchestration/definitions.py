"""Everything Dagster loads. Loading needs no database: it parses the dbt project when that changed."""

from __future__ import annotations

from functools import lru_cache

import dagster as dg

from warehouse.settings import TELEMETRY_OFF, Settings, export, export_missing


@lru_cache(maxsize=4)
def build_definitions(settings: Settings) -> dg.Definitions:
    """The definitions of one home, built once per process. Raises DbtParseError."""
    from dagster_dbt import DbtCliResource

    from orchestration import dbt, federated_jobs, jobs, schedules, sensors
    from orchestration.assets import collection, lifetime, model, next_action, privacy, risk, transformations
    from orchestration.platform import PlatformResource
    from orchestration.privacy.jobs import parts

    export(TELEMETRY_OFF)
    export_missing(dbt.NO_LOGIN)
    manifest = dbt.manifest_path(settings)
    areas = parts()
    return dg.Definitions(
        assets=[
            collection.intake,
            collection.system_logs,
            privacy.raw_in,
            privacy.privacy_transform,
            transformations.dbt_models(manifest, settings.dbt_select),
            transformations.features_out,
            lifetime.lifetime_values,
            risk.risk_scores,
            model.churn_model,
            model.predictions,
            model.predictions_out,
            model.published_predictions,
            model.monitoring_of_churn,
            next_action.next_action_model,
            next_action.recommendations,
            *areas.assets,
        ],
        jobs=[jobs.intake_job, jobs.pipeline_job, jobs.retrain_job, *federated_jobs.JOBS, *areas.jobs],
        schedules=[schedules.daily, schedules.weekly_retraining, *areas.schedules],
        sensors=[sensors.dirty_days, sensors.retraining, *areas.sensors],
        resources={
            "platform": PlatformResource(home=str(settings.home)),
            "dbt_cli": DbtCliResource(
                project_dir=str(dbt.PROJECT_DIR), profiles_dir=str(dbt.PROJECT_DIR), dbt_executable=dbt.EXECUTABLE
            ),
        },
        executor=dg.multiprocess_executor.configured(
            {"max_concurrent": 1, "start_method": {"forkserver": {"preload_modules": PRELOADED}}}
        ),
    )


# Imported once by the fork server instead of in every step's process.
PRELOADED = ["dagster", "dagster_dbt", "dagster_postgres", "pandas", "pyarrow", "psycopg", "duckdb"]


@dg.definitions
def defs() -> dg.Definitions:
    """What `dg` and the Dagster services load: the home of LETHE_HOME, or the default one."""
    return build_definitions(Settings.load())
