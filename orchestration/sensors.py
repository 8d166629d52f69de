"""What runs because something happened: changed days, and reasons to train. Each says its cause on the run."""

import hashlib
from datetime import date

import dagster as dg

from orchestration.jobs import pipeline_job, retrain_job
from orchestration.platform import PlatformResource


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
    minimum_interval_seconds=900,
    description="Retrains for a reason: a person who is gone, drift, falling performance, new features, mended data.",
)
def retraining(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """One decision over everything observed; at most one run, which names every cause."""
    from orchestration import monitoring

    opened = platform.open()
    asked_at = monitoring.parse(context.cursor)
    seen = monitoring.observe(opened)
    if seen is None:
        return dg.SensorResult(skip_reason=dg.SkipReason("no champion to observe yet"))
    decision = monitoring.judge(opened, seen, asked_at)
    if not decision.train:
        return dg.SensorResult(skip_reason=dg.SkipReason(decision.text), cursor=monitoring.dump(asked_at))
    request = dg.RunRequest(run_key=decision.key, tags={"lethe/cause": decision.text})
    return dg.SensorResult([request], cursor=monitoring.dump(opened.settings.now()))
