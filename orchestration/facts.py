"""Reads what happened out of the tables and out of Dagster's results: counts and figures, never a value."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.platform import Platform

# Steps whose refusal is a verdict, not a fault.
GATE_STEPS = frozenset({"quality__raw_in", "quality__features_out", "quality__predictions_out", "churn_model"})


def pending_days(platform: Platform) -> list[date]:
    """Days whose events, consents or rules changed since they were transformed."""
    from privacy.transform import pending_days as pending

    with platform.database.connect("privacy") as conn:
        return pending(conn)


def last_day(platform: Platform) -> list[date]:
    """The newest event day, as a list of one; empty without events."""
    with platform.database.connect("privacy") as conn:
        row = conn.execute("select max(event_day) from raw.event_days where n_events > 0").fetchone()
    return [row[0]] if row and row[0] else []


def has_events(platform: Platform) -> bool:
    """Whether any import was completed in this home."""
    with platform.database.connect("collection") as conn:
        return conn.execute("select 1 from raw.imports where finished_at is not null limit 1").fetchone() is not None


def stored_total(platform: Platform) -> int:
    """Events stored in this home."""
    return _counts(platform, "collection", "select 'n', coalesce(sum(n_events), 0) from raw.event_days")["n"]


def exclusions(platform: Platform) -> dict[str, int]:
    """Everything the privacy transform left out, by reason, over all days."""
    return _counts(
        platform, "privacy", "select reason, sum(n)::bigint from safe.exclusions group by 1 order by 2 desc, 1"
    )


def safe_rows(platform: Platform) -> dict[str, int]:
    """Rows of the two safe tables, from the days' own counts."""
    return _counts(
        platform,
        "privacy",
        "select 'pseudonymous_events', coalesce(sum(n_pseudonymous), 0)::bigint from safe.event_days"
        " union all select 'anonymous_events', coalesce(sum(n_anonymous), 0)::bigint from safe.event_days",
    )


def feature_rows(platform: Platform) -> dict[str, int]:
    """Rows of every table in `features`."""
    with platform.database.connect("ml") as conn:
        tables = conn.execute(
            "select table_name from information_schema.tables where table_schema = 'features'"
            " and (table_name like 'ftr%' or table_name like 'lbl%') order by 1"
        ).fetchall()
        return {
            name: int(conn.execute(f'select count(*) from features."{name}"'.encode()).fetchone()[0])  # type: ignore[index]
            for (name,) in tables
        }


def gate_verdicts(platform: Platform) -> list[dict[str, Any]]:
    """The newest verdict of each gate with the counts behind it."""
    with platform.database.connect("quality") as conn:
        rows = conn.execute(
            "select gate, bool_and(success), count(*), count(*) filter (where not success), max(evaluated_at)"
            " from quality.gate_results r where (gate, run_key, evaluated_at) in (select distinct on (gate)"
            " gate, run_key, evaluated_at from quality.gate_results order by gate, evaluated_at desc, run_key)"
            " group by gate order by max(evaluated_at), gate"
        ).fetchall()
    return [
        {"name": gate, "passed": passed, "evidence": {"checks": n, "failed": failed, "evaluated_at": str(at)}}
        for gate, passed, n, failed, at in rows
    ]


def champion(platform: Platform) -> str | None:
    """Each champion's name and version without asking MLflow, which takes seconds to import."""
    with platform.database.connect("mlflow") as conn:
        exists = conn.execute("select to_regclass('mlflow.registered_model_aliases')").fetchone()
        if not exists or exists[0] is None:
            return None
        rows = conn.execute(
            "select name, version from registered_model_aliases where alias = 'champion' order by name"
        ).fetchall()
    return ", ".join(f"{name} version {version}" for name, version in rows) or None


def model_facts(platform: Platform) -> dict[str, Any] | None:
    """The champion with its figures, or None before the first promotion."""
    from ml.gates import sentence

    version = platform.registry.champion()
    if version is None:
        return None
    facts = platform.registry.describe(version)
    verdicts, decision = facts.pop("verdicts"), facts.pop("decision")
    said = [sentence(verdict, short) for verdict in verdicts]
    return {**facts, "verdicts": said or [decision or "none judged it"]}


def next_action_facts(platform: Platform) -> dict[str, Any] | None:
    """The champion that tells next steps, with its figures, or None where there is none."""
    registry = platform.registry_of("next_action")
    if (version := registry.champion()) is None:
        return None
    facts = registry.describe(version)
    return {name: facts[name] for name in ("name", "version", "alias", "rung", "metrics")}


def short(figure: float) -> str:
    """A figure with at most three decimals, cut and not rounded: what is to spare is never overstated."""
    if abs(figure) < 0.001:
        return f"{figure:.3g}"
    return f"{math.trunc(figure * 1000) / 1000:.6g}"


def metadata_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    """The metadata values of an asset's materialisation in a run."""
    for event in result.get_asset_materialization_events():
        if event.asset_key == key:
            return {name: value.value for name, value in event.materialization.metadata.items()}
    raise LookupError(f"{key.to_user_string()} was not materialised in this run")


def failure_of(result: dg.ExecuteInProcessResult) -> tuple[str, str, bool]:
    """(step, its own words, whether it is a gate's refusal) of the first failed step."""
    for event in result.all_events:
        if event.is_step_failure and event.step_key:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return event.step_key, data.user_failure_data.description, event.step_key in GATE_STEPS
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            return event.step_key, error.message.strip() if error else "failed without a message", False
    return "run", "the run failed before its first step", False


def _counts(platform: Platform, stage: str, query: str) -> dict[str, int]:
    with platform.database.connect(stage) as conn:
        return {str(name): int(n) for name, n in conn.execute(query.encode()).fetchall()}
