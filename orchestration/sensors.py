"""What runs because something happened: changed days, and features that drifted. Each says its cause on the run."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.jobs import pipeline_job, retrain_job
from orchestration.platform import Platform, PlatformResource

if TYPE_CHECKING:
    from quality.drift import DriftReport

REFERENCE_CUTOFFS = 12  # the last quarter of weekly cutoffs that the model learnt from
COOL_DOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DriftCursor:
    """What the drift sensor remembers: the cutoff it judged last, and when it last asked for a training."""

    judged_on: str | None = None
    retrained_at: str | None = None


@dg.sensor(
    job=pipeline_job,
    minimum_interval_seconds=60,
    description="Materialises days whose events, consents or rules changed.",
)
def dirty_days(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    """One run over the changed days; the same set of changes asks only once."""
    from orchestration import facts, pipeline

    opened = platform.open()
    days = facts.pending_days(opened)
    if not days:
        return dg.SkipReason("no day changed")
    return request_for(days, key=pipeline.state_digest(opened))


def request_for(days: list[date], *, key: str) -> dg.RunRequest:
    """A run over the span of the changed days; `key` stands for the events, consents and rules they changed to."""
    return dg.RunRequest(
        run_key=hashlib.sha256(f"{key}:{days}".encode()).hexdigest(),
        tags={**span_tags(days), "lethe/cause": f"{len(days)} changed days, {days[0]} to {days[-1]}"},
    )


def span_tags(days: list[date]) -> dict[str, str]:
    """The tags by which one run covers a range of daily partitions."""
    return {
        "dagster/asset_partition_range_start": days[0].isoformat(),
        "dagster/asset_partition_range_end": days[-1].isoformat(),
    }


@dg.sensor(
    job=retrain_job,
    minimum_interval_seconds=3600,
    description="Retrains when a feature's PSI against the training cutoffs passes 0.2; at most once a week.",
)
def drift(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """Judge each new cutoff once; a drifted one asks for a training unless one was asked for within a week."""
    opened = platform.open()
    known = DriftCursor(**json.loads(context.cursor)) if context.cursor else DriftCursor()
    newest = newest_cutoff(opened)
    if newest is None or str(newest) == known.judged_on:
        return dg.SensorResult(skip_reason=dg.SkipReason("no new cutoff to judge"))
    report = measure(opened, newest)
    if report is None:
        return dg.SensorResult(skip_reason=dg.SkipReason("no training set to compare with yet"))
    return react(report, newest, known, opened.settings.now())


def react(report: "DriftReport", newest: date, known: DriftCursor, now: datetime) -> dg.SensorResult:
    """Ask for a training, or say why not. Pure."""
    judged = DriftCursor(str(newest), known.retrained_at)
    if not report.drifted:
        reason = f"no feature drifted at {newest}"
    elif known.retrained_at and now - datetime.fromisoformat(known.retrained_at) < COOL_DOWN:
        reason = (
            f"{len(report.drifted)} features drifted at {newest}, but a training was asked for {known.retrained_at}"
        )
    else:
        request = dg.RunRequest(run_key=f"drift-{newest}", tags={"lethe/cause": cause(report, newest)})
        return dg.SensorResult([request], cursor=_dump(DriftCursor(str(newest), now.isoformat())))
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=_dump(judged))


def cause(report: "DriftReport", newest: date) -> str:
    """The worst features by name and figure, for the run's tag."""
    worst = ", ".join(f"{f.feature} {f.psi:.2f}" for f in report.drifted[:3])
    return f"drift at {newest}: PSI over {report.threshold} for {len(report.drifted)} features ({worst})"


def newest_cutoff(platform: Platform) -> date | None:
    """The newest cutoff with features, or None before the first build."""
    with platform.database.connect("quality") as conn:
        exists = conn.execute("select to_regclass('features.ftr_user_weekly')").fetchone()
        if not exists or exists[0] is None:
            return None
        row = conn.execute("select max(cutoff_on) from features.ftr_user_weekly").fetchone()
    return row[0] if row else None


def measure(platform: Platform, newest: date) -> "DriftReport | None":
    """PSI of the newest cutoff against the last training cutoffs; kept in quality.drift_results."""
    from quality.drift import drift_report, fetch_feature_windows, record_drift

    with platform.database.connect("quality") as conn:
        row = conn.execute(
            "select manifest->'cutoffs'->'train' from ml.training_sets order by created_at desc limit 1"
        ).fetchone()
        if not row:
            return None
        cutoffs = [date.fromisoformat(text) for text in row[0][-REFERENCE_CUTOFFS:]]
        report = drift_report(*fetch_feature_windows(conn, cutoffs, newest))
        record_drift(conn, report, run_key=f"drift-{newest}", cutoff_on=newest, now=platform.settings.now())
    return report


def _dump(cursor: DriftCursor) -> str:
    return json.dumps(asdict(cursor))
