"""Merges in Dagster: counts and a picture of no person, and one run for every state of what waits for a steward."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from orchestration.platform import PlatformResource
from orchestration.privacy.identities_jobs import identities_review_job, identity_conflicts
from privacy.merging import merge, take_statements
from tests.privacy.events import event, store
from warehouse.database import ADMIN

pytestmark = pytest.mark.integration
USERS = ("user-ada", "user-bob", "visitor-1", "visitor-2")


def tick(platform: PlatformResource) -> dg.RunRequest | dg.SkipReason:
    with dg.build_sensor_context(resources={"platform": platform}) as context:
        found = identity_conflicts(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def review(platform: PlatformResource) -> dict[str, object]:
    done = identities_review_job.execute_in_process(resources={"platform": platform})
    (output,) = [found for found in done.all_events if found.is_successful_output]
    assert not any(user in str(done.all_events) for user in USERS)
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def test_what_waits_is_said_once_and_counted(platform: PlatformResource) -> None:
    opened = platform.open()
    now = opened.settings.now()
    assert isinstance(tick(platform), dg.SkipReason)
    assert review(platform)["people_of_several_ids"] == 0
    with opened.database.connect(ADMIN) as conn:
        store(conn, [event(n, user_id=user) for n, user in enumerate(USERS)])
    with opened.database.connect("privacy") as conn:
        take_statements(conn, [("visitor-1", "user-ada"), ("visitor-1", "user-bob")], source="shop", at=now)
    first = tick(platform)
    assert isinstance(first, dg.RunRequest)
    assert first == tick(platform)
    found = review(platform)
    assert (found["people_of_several_ids"], found["waiting"]) == (1, 1)
    assert "| shop | 1 |" in str(found["merges"])
    assert "data:image/svg+xml" in str(found["merges_per_day"])
    with opened.database.connect("privacy") as conn:
        take_statements(conn, [("visitor-2", "user-bob"), ("visitor-2", "user-ada")], source="shop",
                        at=now + timedelta(hours=1))  # fmt: skip
    second = tick(platform)
    assert isinstance(second, dg.RunRequest)
    assert second.run_key != first.run_key
    with opened.database.connect("privacy") as conn:
        merge(conn, "user-bob", "user-ada", by="anna", reason="two accounts", at=now + timedelta(hours=2))
    assert isinstance(tick(platform), dg.SkipReason)
    found = review(platform)
    assert (found["people_of_several_ids"], found["waiting"]) == (1, 0)
