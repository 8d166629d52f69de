"""What runs because something happened: decided from figures, and evaluated on a real database."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from orchestration import sensors
from orchestration.platform import PlatformResource
from quality.drift import DriftReport, drift_report
from warehouse.database import Database

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEWEST = date(2026, 11, 16)
FRESH = sensors.DriftCursor()


def report(n_rows: int, shift: float) -> DriftReport:
    """Drift of two features over rows of which the first moved by `shift` standard deviations."""
    draw = np.random.default_rng(7)
    reference = pd.DataFrame({"recency_days": draw.normal(size=n_rows), "n_events_28d": draw.normal(size=n_rows)})
    current = pd.DataFrame({"recency_days": draw.normal(shift, 1, n_rows), "n_events_28d": draw.normal(size=n_rows)})
    return drift_report(reference, current)


def test_drift_asks_for_a_training_and_names_feature_and_figure() -> None:
    decided = sensors.react(report(2000, 2.0), NEWEST, FRESH, NOW)
    (request,) = decided.run_requests or []
    assert request.tags["lethe/cause"].startswith("drift at 2026-11-16: PSI over 0.2 for 1 features (recency_days ")
    assert json.loads(decided.cursor or "") == {"judged_on": "2026-11-16", "retrained_at": NOW.isoformat()}


def test_no_drift_is_judged_and_skipped() -> None:
    decided = sensors.react(report(2000, 0.0), NEWEST, FRESH, NOW)
    assert not decided.run_requests
    assert "no feature drifted" in str(decided.skip_reason.skip_message if decided.skip_reason else "")
    assert json.loads(decided.cursor or "")["judged_on"] == "2026-11-16"


def test_under_200_rows_there_is_no_verdict_however_far_they_moved() -> None:
    assert not sensors.react(report(199, 9.0), NEWEST, FRESH, NOW).run_requests
    assert sensors.react(report(200, 9.0), NEWEST, FRESH, NOW).run_requests


@pytest.mark.parametrize(("ago", "asks"), [(timedelta(days=6, hours=23), False), (timedelta(days=7), True)])
def test_a_training_within_the_week_is_a_cool_down(ago: timedelta, asks: bool) -> None:
    known = sensors.DriftCursor("2026-11-09", (NOW - ago).isoformat())
    decided = sensors.react(report(2000, 2.0), NEWEST, known, NOW)
    assert bool(decided.run_requests) is asks
    if not asks:
        assert "a training was asked for" in str(decided.skip_reason.skip_message if decided.skip_reason else "")
        assert json.loads(decided.cursor or "")["retrained_at"] == known.retrained_at, "a skip does not extend it"


def test_a_request_covers_the_span_of_days_and_says_why() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 5)]
    request = sensors.request_for(days, key="1")
    assert request.tags == {
        "dagster/asset_partition_range_start": "2026-01-01",
        "dagster/asset_partition_range_end": "2026-01-05",
        "lethe/cause": "2 changed days, 2026-01-01 to 2026-01-05",
    }
    assert request.run_key == sensors.request_for(days, key="1").run_key
    assert request.run_key != sensors.request_for(days, key="2").run_key
    assert request.run_key != sensors.request_for(days[:1], key="1").run_key


# --- on a real database


def tick(sensor: dg.SensorDefinition, platform: PlatformResource, cursor: str | None = None) -> dg.SensorResult:
    """One evaluation as the daemon does it."""
    with dg.build_sensor_context(cursor=cursor, resources={"platform": platform}) as context:
        data = sensor.evaluate_tick(context)
    skipped = dg.SkipReason(data.skip_message) if data.skip_message else None
    return dg.SensorResult(data.run_requests, skip_reason=skipped, cursor=data.cursor)


def change_days(database: Database, *days: date) -> None:
    """Make raw days newer than what the transform knows."""
    with database.connect("collection") as conn:
        for day in days:
            conn.execute(
                "insert into raw.event_days values (%s, 1, nextval('raw.event_day_version'))"
                " on conflict (event_day) do update set version = excluded.version",
                (day,),
            )


def test_without_changes_the_sensor_of_days_skips(platform: PlatformResource) -> None:
    decided = tick(sensors.dirty_days, platform)
    assert not decided.run_requests
    assert decided.skip_reason
    assert decided.skip_reason.skip_message == "no day changed"


def test_changed_days_ask_for_one_run_and_ask_only_once(platform: PlatformResource) -> None:
    database = platform.open().database
    change_days(database, date(2026, 3, 1), date(2026, 3, 4))
    (first,) = tick(sensors.dirty_days, platform).run_requests or []
    assert first.tags["dagster/asset_partition_range_start"] == "2026-03-01"
    assert first.tags["dagster/asset_partition_range_end"] == "2026-03-04"
    (again,) = tick(sensors.dirty_days, platform).run_requests or []
    assert again.run_key == first.run_key, "the same changes have the same key, which Dagster runs once"
    change_days(database, date(2026, 3, 4))
    (changed,) = tick(sensors.dirty_days, platform).run_requests or []
    assert changed.run_key != first.run_key


def test_a_consent_that_changes_the_same_day_again_asks_again(platform: PlatformResource) -> None:
    """No raw event changed: the key must hold what else makes a day dirty, or Dagster would drop the request."""
    database = platform.open().database
    change_days(database, date(2026, 3, 1))
    (first,) = tick(sensors.dirty_days, platform).run_requests or []
    withdraw = (
        "insert into privacy.dirty_days values ('2026-03-01', nextval('privacy.dirty_day_version'), 'consent')"
        " on conflict (event_day) do update set version = excluded.version"
    )
    with database.connect("privacy") as conn:
        conn.execute(withdraw.encode())
    (second,) = tick(sensors.dirty_days, platform).run_requests or []
    assert second.run_key != first.run_key


def test_a_changed_rule_asks_again(platform: PlatformResource) -> None:
    database = platform.open().database
    change_days(database, date(2026, 3, 1))
    (first,) = tick(sensors.dirty_days, platform).run_requests or []
    with database.connect("privacy") as conn:
        conn.execute(
            "insert into privacy.classification_rules values"
            " ('*', '/data/plan', 'non_personal', 'category', 'pass', 'steward', 'a plan names nobody', now())"
        )
    (second,) = tick(sensors.dirty_days, platform).run_requests or []
    assert second.run_key != first.run_key


FEATURES = """
create table features.ftr_user_weekly as
select c.on_day as cutoff_on, 's' || i as subject, 'c' as company, false as is_bot,
  (i % 30 + c.shift)::float8 as n_events_28d, (i % 7)::float8 as recency_days
from (values (date '2026-10-19', 0), (date '2026-10-26', 0), (date '2026-11-16', 40)) c(on_day, shift),
  generate_series(1, 300) i
"""


def learn(database: Database) -> None:
    """Features whose newest cutoff moved, and a training set over the cutoffs before."""
    with database.connect("dbt") as conn:
        conn.execute(FEATURES.encode())
    manifest = {"cutoffs": {"train": ["2026-10-19", "2026-10-26"], "test": []}}
    with database.connect("ml") as conn:
        conn.execute(
            "insert into ml.training_sets values ('churn-1', 'd', %s, 600, 300, %s)", (json.dumps(manifest), NOW)
        )


def test_a_planted_shift_asks_for_a_training_once_and_keeps_its_evidence(platform: PlatformResource) -> None:
    database = platform.open().database
    assert not tick(sensors.drift, platform).run_requests, "nothing to judge before the first build"
    learn(database)
    asked = tick(sensors.drift, platform)
    (request,) = asked.run_requests or []
    assert "n_events_28d" in request.tags["lethe/cause"]
    assert "recency_days" not in request.tags["lethe/cause"]
    assert not tick(sensors.drift, platform, asked.cursor).run_requests, "a cutoff is judged once"
    with database.connect("quality") as conn:
        kept: dict[str, str] = dict(conn.execute("select feature, verdict from quality.drift_results").fetchall())
    assert kept == {"n_events_28d": "drifted", "recency_days": "stable"}


def test_a_shift_within_the_cool_down_is_skipped_with_its_reason(platform: PlatformResource) -> None:
    learn(platform.open().database)
    cursor = json.dumps({"judged_on": "2026-11-09", "retrained_at": "2026-11-18T00:00:00+00:00"})
    decided = tick(sensors.drift, platform, cursor)
    assert not decided.run_requests
    assert decided.skip_reason
    assert "a training was asked for 2026-11-18" in str(decided.skip_reason.skip_message)
