"""Fields without a rule in Dagster: counted and drawn, said once for each state of the list, and no path of them."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.platform import Platform, PlatformResource
from orchestration.privacy.classification_jobs import classification_review_job, unruled_paths
from orchestration.privacy.services.classification import ClassificationService
from privacy.classification_items import raise_items
from privacy.transform import pending_days, transform_days
from tests.privacy.events import event, store
from warehouse.database import ADMIN

pytestmark = pytest.mark.integration


def tick(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    with dg.build_sensor_context(resources={"platform": platform}) as context:
        found = unruled_paths(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def review(platform: PlatformResource) -> dict[str, object]:
    done = classification_review_job.execute_in_process(resources={"platform": platform})
    (output,) = [found for found in done.all_events if found.is_successful_output]
    assert "zoes_garden" not in str(done.all_events)
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def see(opened: Platform, number: int, *keys: str) -> None:
    """An event with these keys comes in and is transformed."""
    with opened.database.connect(ADMIN) as conn:
        store(conn, [event(number, dict.fromkeys(keys, "dark"), user_id=None)])
    with opened.database.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), opened.vault)
        raise_items(conn)


def test_what_nobody_ruled_on_is_said_once_and_counted(platform: PlatformResource) -> None:
    opened = platform.open()
    assert isinstance(tick(platform), dg.SkipReason)
    see(opened, 1, "zoes_garden", "theme")
    first = tick(platform)
    assert isinstance(first, dg.RunRequest)
    assert first == tick(platform)
    found = review(platform)
    assert (found["open"], found["confirmed"], found["rejected"]) == (2, 0, 0)
    assert "| page | " in str(found["waiting"])
    assert "data:image/svg+xml" in str(found["first_seen_per_day"])
    service = ClassificationService(opened)
    service.reject("page", "/data/zoes_garden", steward="ben", reason="a name of somebody")
    see(opened, 2, "other")  # as many wait as before, and another one
    second = tick(platform)
    assert isinstance(second, dg.RunRequest)
    assert second.run_key != first.run_key
    for path in ("/data/theme", "/data/other"):
        service.reject("page", path, steward="ben", reason="not needed")
    assert isinstance(tick(platform), dg.SkipReason)
    assert review(platform)["rejected"] == 3
