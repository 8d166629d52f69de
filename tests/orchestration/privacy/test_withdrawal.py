"""A withdrawal from its first moment: the next event is refused and counted, its days are run again, without it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from collection.imports import ImportCounts
from collection.mapping import parse_mapping
from orchestration import sensors
from orchestration.assets.privacy import privacy_transform
from orchestration.intake import Basis, take_in_files, uncollectable
from orchestration.platform import Platform, PlatformResource, platform_of
from privacy.service import PrivacyService
from privacy.transform import pending_days, transform_days

pytestmark = pytest.mark.integration
MAPPING = """
source: shop
fields:
  id: {hash: "*"}
  user_id: user
  event_type: {constant: page}
  action: {constant: view}
  created_at: {timestamp: at}
  data_classification: {constant: pseudonymized}
  retention_policy: {constant: long_term}
"""
PURPOSES = ("data_collection", "analytics", "model_training")
ADA, BOB = "user-ada", "user-bob"
DAY, OTHER = date(2026, 3, 2), date(2026, 3, 9)


@pytest.fixture
def opened(platform: PlatformResource, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A home whose clock goes on: what is decided now must count now."""
    monkeypatch.delenv("LETHE_CLOCK")
    platform_of.cache_clear()
    return platform.open()


def take_in(opened: Platform, file: Path, *events: tuple[str, date]) -> ImportCounts:
    file.write_text("".join(json.dumps({"user": user, "at": f"{day}T10:00:00Z"}) + "\n" for user, day in events))
    return take_in_files(opened, [file], parse_mapping(MAPPING), Basis(PURPOSES, "test")).counts


def run_days(opened: Platform) -> list[date]:
    """Transform what is pending, as the next run does."""
    with opened.database.connect("privacy") as conn:
        days = pending_days(conn)
        transform_days(conn, days, opened.vault)
    return days


def safe_rows(opened: Platform) -> dict[date, int]:
    with opened.database.connect("privacy") as conn:
        return dict(conn.execute("select event_day, count(*) from safe.pseudonymous_events group by 1").fetchall())


def service(opened: Platform) -> PrivacyService:
    return PrivacyService(lambda: opened.database.connect("privacy"), opened.vault, opened.settings.now)


def test_the_next_event_is_refused_and_the_next_run_leaves_the_person_out(
    opened: Platform, platform: PlatformResource, tmp_path: Path
) -> None:
    assert take_in(opened, tmp_path / "1.jsonl", (ADA, DAY), (BOB, DAY), (BOB, OTHER)) == ImportCounts(3, 3, 0, 0, 0)
    assert run_days(opened) == [DAY, OTHER]
    assert safe_rows(opened) == {DAY: 2, OTHER: 1}
    assert service(opened).update_consent(ADA, dict.fromkeys(PURPOSES, False), source="portal", method="reject") == 3
    late = take_in(opened, tmp_path / "2.jsonl", (ADA, date(2026, 3, 3)), (BOB, date(2026, 3, 3)))
    assert late == ImportCounts(2, 1, 0, 0, 1)
    with dg.build_sensor_context(resources={"platform": platform}) as context:
        asked = sensors.dirty_days(context)
    assert isinstance(asked, dg.RunRequest)
    assert asked.tags["dagster/asset_partition_range_start"] == str(DAY)
    done = dg.materialize([privacy_transform], partition_key=str(DAY), resources={"platform": platform})
    (event, *_) = done.asset_materializations_for_node("privacy_transform")
    assert (event.metadata["rows_written"].value, event.metadata["excluded/no_consent"].value) == (1, 1)
    assert event.metadata["dagster/row_count"].value == 2  # of the table, whatever days the run was about
    assert "data:image/svg+xml" in str(event.metadata["excluded"].value)
    assert run_days(opened) == [date(2026, 3, 3)]
    assert safe_rows(opened) == {DAY: 1, date(2026, 3, 3): 1, OTHER: 1}
    assert run_days(opened) == []


def test_a_withdrawal_counts_in_the_middle_of_an_import(opened: Platform) -> None:
    """An import may take minutes: what somebody decides meanwhile counts for its next batch."""
    service(opened).update_consent(ADA, {"data_collection": True}, source="portal", method="accept")
    with uncollectable(opened) as blocked:
        assert blocked([ADA, BOB]) == set()
        service(opened).update_consent(ADA, {"data_collection": False}, source="portal", method="reject")
        assert blocked([ADA, BOB]) == {ADA}


def test_a_range_of_days_is_backfilled_in_one_run(opened: Platform, platform: PlatformResource, tmp_path: Path) -> None:
    """As Dagster launches it: one run with the range's ends, and days outside it wait."""
    days = [date(2026, 3, day) for day in (2, 3, 4, 5)]
    take_in(opened, tmp_path / "1.jsonl", *((BOB, day) for day in days))
    ends = {"dagster/asset_partition_range_start": str(days[1]), "dagster/asset_partition_range_end": str(days[2])}
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([privacy_transform], instance=instance, tags=ends, resources={"platform": platform})
        assert done.success
        assert len(instance.get_runs()) == 1
    assert safe_rows(opened) == {days[1]: 1, days[2]: 1}
    assert run_days(opened) == [days[0], days[3]]
