"""What is observed of the champion: drift, performance on late labels, and what calls for a training.

Measuring is quality's and ml's, deciding is retraining's. Nothing is trained here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from orchestration.privacy.retention_models import ending
from orchestration.retraining import Decision, RetrainingPolicy, Trigger, decide, drifted, too_soon
from warehouse.secrets import write_private

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ml.intervals import Figure
    from ml.performance import Performance
    from orchestration.platform import Platform
    from quality.drift import DriftReport

REFERENCE_CUTOFFS = 12  # the last quarter of weekly cutoffs that the model learnt from
SCORE = "predicted_probability"  # the model's own output, watched like a feature


@dataclass(frozen=True, slots=True)
class Champion:
    """The serving version with what drift and performance are judged by."""

    version: int
    pipeline: Pipeline
    cutoffs: tuple[date, ...]
    created_at: datetime
    importance: dict[str, float]
    auc: Figure | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The features that it was trained on."""
        return tuple(str(name) for name in self.pipeline.feature_names_in_)


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything a decision is made from, of one newest cutoff."""

    champion: Champion
    newest: date
    drift: DriftReport
    performance: tuple[Performance, ...]
    estimated_auc: float | None
    new_features: tuple[str, ...]
    recovered: tuple[str, ...]
    tainted: str | None
    ending: str | None = None


def observe(platform: Platform) -> Observation | None:
    """Observe the champion at the newest cutoff and keep its drift; None before there is a champion or a cutoff."""
    champion, newest = champion_of(platform), newest_cutoff(platform)
    if champion is None or newest is None:
        return None
    drift, estimated, columns = measure(platform, champion, newest)
    return Observation(
        champion, newest, drift, _performance(platform, champion.version), estimated,
        tuple(sorted(set(columns) - set(champion.columns))), _recovered(platform, champion.created_at),
        tainted(platform), ending(platform, champion.version),
    )  # fmt: skip


def champion_of(platform: Platform) -> Champion | None:
    """The champion and the facts of its training set; None where there is none."""
    from ml.intervals import Figure

    version = platform.registry.champion()
    if version is None:
        return None
    loaded = platform.registry.load_version(version)
    with platform.database.connect("ml") as conn:
        row = conn.execute(
            "select manifest, created_at from ml.training_sets where training_set_id = %s",
            (platform.registry.versions()[version]["lethe.training_set_id"],),
        ).fetchone()
    if row is None:
        return None
    cutoffs = tuple(date.fromisoformat(text) for text in row[0]["cutoffs"]["train"])
    auc = loaded.facts.get("auc")
    return Champion(
        version, loaded.pipeline, cutoffs, row[1],
        dict(loaded.facts.get("importance", {})), Figure(**auc) if auc else None,
    )  # fmt: skip


def newest_cutoff(platform: Platform) -> date | None:
    """The newest cutoff with features, or None before the first build."""
    with platform.database.connect("quality") as conn:
        exists = conn.execute("select to_regclass('features.ftr_user_weekly')").fetchone()
        if not exists or exists[0] is None:
            return None
        row = conn.execute("select max(cutoff_on) from features.ftr_user_weekly").fetchone()
    return row[0] if row else None


def measure(platform: Platform, champion: Champion, newest: date) -> tuple[DriftReport, float | None, list[str]]:
    """Drift of the newest cutoff against the last training cutoffs, kept in quality.drift_results.

    Also the AUC that the model's probabilities imply there, and the columns of the feature table.
    """
    from ml.performance import estimated_auc
    from quality.drift import WINDOW, drift_report, fetch_feature_windows, record_drift

    with platform.database.connect("quality") as conn:
        reference, current = fetch_feature_windows(conn, champion.cutoffs[-REFERENCE_CUTOFFS:], newest)
        columns = [str(name) for name in current.columns if name != WINDOW]
        scored = [_scored(champion, rows) for rows in (reference, current)]
        report = drift_report(scored[0], scored[1], weights(champion))
        record_drift(conn, report, run_key=f"drift-{newest}", cutoff_on=newest, now=platform.settings.now())
    return report, estimated_auc(scored[1][SCORE].to_numpy()) if SCORE in scored[1] else None, columns


def weights(champion: Champion) -> dict[str, float]:
    """The importance of each column as shares of one, and of the model's output, which stands for all of them."""
    total = sum(max(value, 0.0) for value in champion.importance.values())
    if not total:
        return {}
    return {SCORE: 1.0} | {name: max(value, 0.0) / total for name, value in champion.importance.items()}


def triggers(seen: Observation, policy: RetrainingPolicy) -> list[Trigger]:
    """Every reason to train that an observation holds. Pure."""
    found = []
    if seen.tainted:
        found.append(Trigger("tainted", seen.tainted, must=True))
    if seen.ending:
        found.append(Trigger("term", seen.ending, must=True))
    if seen.drift.alarm:
        worst = ", ".join(f"{f.feature} {f.psi:.2f}" for f in seen.drift.drifted[:3])
        text = f"drift at {seen.newest}: {len(seen.drift.drifted)} features ({worst})"
        found.append(drifted("drift", text, min(seen.drift.weight, 1.0), policy))
    found += _of_performance(seen)
    if seen.new_features:
        text = f"features that version {seen.champion.version} has not seen: {', '.join(seen.new_features[:5])}"
        found.append(Trigger("new features", text, policy.gain_of_new_features))
    if seen.recovered:
        text = f"data refused before version {seen.champion.version} learnt pass now: {', '.join(seen.recovered)}"
        found.append(Trigger("recovered data", text, policy.gain_of_recovered_data))
    return found


def _of_performance(seen: Observation) -> list[Trigger]:
    stated = seen.champion.auc
    if stated is None:
        return []
    known = [item for item in seen.performance if item.is_known]
    found = []
    if known and known[-1].auc is not None and known[-1].auc.high < stated.low:
        now = known[-1].auc
        text = f"AUC on labels of {known[-1].cutoff_on} {now}, stated {stated}"
        found.append(Trigger("performance", text, stated.value - now.value))
    if seen.estimated_auc is not None and seen.estimated_auc < stated.low:
        text = f"AUC estimated at {seen.newest} without labels {seen.estimated_auc:.4f}, stated {stated}"
        found.append(Trigger("estimated performance", text, stated.value - seen.estimated_auc))
    return found


def judge(platform: Platform, seen: Observation, asked_at: datetime | None) -> Decision:
    """Whether to train now. A training by hand or by the schedule cools down like one that the sensor asked for."""
    policy = RetrainingPolicy()
    since = max(filter(None, (asked_at, _trained_at(platform))), default=None)
    return decide(triggers(seen, policy), asked_at=since, now=platform.settings.now(), policy=policy)


def too_soon_for_schedule(platform: Platform, now: datetime) -> str | None:
    """Why the schedule trains nothing this week; None where nothing was trained in the days before."""
    return too_soon(_trained_at(platform), now, RetrainingPolicy().cool_down_of_schedule)


def write_report(platform: Platform, seen: Observation) -> str:
    """The drift of the newest cutoff as a page under the home; returns its path."""
    from quality.drift_page import render

    path = platform.home / "reports" / f"drift-{seen.newest}.html"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, render(seen.drift, f"Drift of version {seen.champion.version} at {seen.newest}"))
    return str(path)


def metadata(platform: Platform, seen: Observation, decision: Decision) -> dict[str, Any]:
    """What Dagster shows of a champion: version, gates, drift, performance, and the next training and why."""
    import dagster as dg

    from orchestration import gates
    from quality.plots import plot_drift

    described = platform.registry.describe(seen.champion.version)
    newest = max(platform.registry.versions())
    known = [item for item in seen.performance if item.is_known]
    return {
        "champion": seen.champion.version,
        "challenger": newest if newest != seen.champion.version else "none",
        "gates": described["decision"] or "none judged it",
        "drifted_features": len(seen.drift.drifted),
        "drifted_importance": round(seen.drift.weight, 4),
        "drift": gates.picture(plot_drift(seen.drift)),
        "drift_report": dg.MetadataValue.path(write_report(platform, seen)),
        "auc_stated": str(seen.champion.auc or "not stated"),
        "auc_on_late_labels": str(known[-1].auc) if known else "no labels yet",
        "auc_estimated": "too few rows" if seen.estimated_auc is None else round(seen.estimated_auc, 4),
        "next_training": "as soon as the sensor runs" if decision.train else "Monday, by the schedule",
        "why": decision.text,
    }


def _scored(champion: Champion, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the champion's probability; as they are where a column it needs is gone."""
    from ml import churn

    if not len(rows) or set(champion.columns) - set(rows.columns):
        return rows
    return rows.assign(**{SCORE: churn.probabilities(champion.pipeline, rows)})


def _performance(platform: Platform, version: int) -> tuple[Performance, ...]:
    from ml.performance import fetch_outcomes, measured

    with platform.database.connect("ml") as conn:
        return tuple(measured(fetch_outcomes(conn, platform.registry.name, version), version))


def corrected(platform: Platform, version: int) -> str:
    """Keep the outcomes known by now, and say what labels that came or changed later did to each cutoff's figure."""
    from ml.feedback import corrections, fetch_history, observe_outcomes

    name = platform.registry.name
    with platform.database.connect("ml") as conn:
        observe_outcomes(conn, name, version, platform.settings.now())
        found = corrections(fetch_history(conn, name, version), version)
    moved = [
        f"{item.now.cutoff_on}: {item.n_late} outcomes late, {item.n_changed} changed; AUC "
        f"{item.first.auc or 'not known'} then, {item.now.auc or 'not known'} now"
        for item in found
        if item.n_late or item.n_changed
    ]
    return "; ".join(moved) or "nothing"


def _trained_at(platform: Platform) -> datetime | None:
    """When the churn model's newest set was made; one that did not change is not trained on again."""
    of_churn = f"{platform.registry.name}-%"
    with platform.database.connect("ml") as conn:
        row = conn.execute(
            "select max(created_at) from ml.training_sets where training_set_id like %s", (of_churn,)
        ).fetchone()
    return row[0] if row else None


def _recovered(platform: Platform, trained_at: datetime) -> tuple[str, ...]:
    """Gates that refused last before the champion learnt, and have passed since."""
    with platform.database.connect("quality") as conn:
        rows = conn.execute(
            "with verdicts as (select gate, run_key, max(evaluated_at) as at, bool_and(success) as passed"
            " from quality.gate_results group by 1, 2),"
            " before as (select distinct on (gate) gate, passed from verdicts where at <= %(at)s"
            " order by gate, at desc),"
            " since as (select distinct on (gate) gate, passed from verdicts where at > %(at)s order by gate, at desc)"
            " select gate from before join since using (gate) where not before.passed and since.passed order by 1",
            {"at": trained_at},
        ).fetchall()
    return tuple(str(row[0]) for row in rows)


def tainted(platform: Platform) -> str | None:
    """The champions that learnt from somebody who is gone, and until when each may serve; None where none did."""
    from ml.taint import needs_retraining

    marked = [found for registry in platform.registries if (found := needs_retraining(registry)) is not None]
    said = (
        f"version {v.version} of {v.model} is tainted ({v.cause}), replace by {v.retrain_by:%Y-%m-%d}" for v in marked
    )
    return "; ".join(said) or None


def dump(asked_at: datetime | None) -> str:
    """The sensor's memory: when a training was asked for."""
    return json.dumps({"asked_at": asked_at.isoformat() if asked_at else None})


def parse(cursor: str | None) -> datetime | None:
    """What the sensor remembers; one of an earlier version counts as nothing."""
    asked_at = json.loads(cursor).get("asked_at") if cursor else None
    return datetime.fromisoformat(asked_at) if asked_at else None
