"""What runs because something happened: decided from figures, and evaluated on a real database."""

from __future__ import annotations

from datetime import date

import dagster as dg

from orchestration import sensors
from orchestration.platform import PlatformResource
from warehouse.database import Database


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


def test_without_a_champion_there_is_nothing_to_observe(platform: PlatformResource) -> None:
    decided = tick(sensors.retraining, platform)
    assert not decided.run_requests
    assert decided.skip_reason
    assert decided.skip_reason.skip_message == "no champion to observe yet"
