"""Merges in Dagster: counts and a picture of no person, and one run for every state of what waits for a steward."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.platform import PlatformResource
from orchestration.privacy.identities_jobs import identities_merge_job, identities_review_job, identity_conflicts
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
        merge(conn, [("user-bob", "user-ada")], by="anna", reason="two accounts", at=now + timedelta(hours=2))
    assert isinstance(tick(platform), dg.SkipReason)
    found = review(platform)
    assert (found["people_of_several_ids"], found["waiting"]) == (1, 0)


def test_a_file_of_merges_is_in_force_whole_or_not_at_all(platform: PlatformResource, tmp_path: Path) -> None:
    file = tmp_path / "merges.jsonl"
    configured = {"ops": {"identities_merge": {"config": {"file": str(file), "by": "anna", "reason": "by mail"}}}}

    def merges(*lines: dict[str, Any] | str) -> dg.ExecuteInProcessResult:
        file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        done = identities_merge_job.execute_in_process(
            run_config=configured, resources={"platform": platform}, raise_on_error=False
        )
        assert not any(user in str(done.all_events) for user in (*USERS, "user-carl"))
        return done

    def merged() -> int:
        with platform.open().database.connect("privacy") as conn:
            row = conn.execute("select count(*) from privacy.identity_merges where is_in_force").fetchone()
        return row[0] if row else -1

    with platform.open().database.connect(ADMIN) as conn:
        store(conn, [event(n, user_id=user) for n, user in enumerate(USERS)])
    first = {"alias": "visitor-1", "user": "user-ada"}
    second = {"alias": "visitor-2", "user": "user-bob"}
    for fault, said in (
        ({**second, "user": "user-carl"}, "1 of 4 ids are unknown"),
        ({**second, "user": "visitor-2"}, "line 2: a merge needs two different ids"),
        ({"alias": "visitor-2"}, "line 2 needs exactly alias, user"),
        ("user-bob", "line 2 is no JSON"),
    ):
        done = merges(first, fault)
        (failed,) = [event for event in done.all_events if event.is_step_failure]
        assert said in str(failed.step_failure_data)
        assert (done.success, merged()) == (False, 0)
    done = merges(first, second)
    assert (done.output_for_node("identities_merge"), merged()) == (2, 2)
    (output,) = [found for found in done.all_events if found.is_successful_output]
    assert output.step_output_data.metadata["days_to_transform_again"].value == 1
    assert merges(first, second).output_for_node("identities_merge") == 0
