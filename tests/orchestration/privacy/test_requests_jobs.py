"""Requests in Dagster over a real database: an approved one runs once, an interrupted one again, a late one is said."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import pytest

from orchestration.platform import PlatformResource
from orchestration.privacy.requests_jobs import SCHEDULES, SENSORS, approved_requests, request_job, requests_review_job
from privacy.consent import get_consent
from privacy.requests import store
from privacy.requests.blast import Reach
from privacy.requests.desk import Desk
from privacy.requests.kinds import Kind
from privacy.requests.machine import Event, Move, State
from privacy.requests.overview import overview

pytestmark = pytest.mark.integration


def approve(platform: PlatformResource, kind: Kind = Kind.RESTRICTION) -> str:
    opened = platform.open()
    with opened.database.connect("privacy") as conn:
        desk = Desk(conn, opened.vault, opened.settings.now)
        request_id = desk.open(kind, "user-4711", by="anna", reason="asked by mail").request_id
        desk.attest(request_id, by="ben", reason="seen at the counter")
        desk.assess(request_id, lambda _: {"raw.system_logs": Reach(0, 1)}, by="anna")
    return request_id


def asked(platform: PlatformResource) -> list[dg.RunRequest]:
    with dg.build_sensor_context(resources={"platform": platform}) as context:
        found = approved_requests(context)
    return list(found.run_requests or []) if isinstance(found, dg.SensorResult) else []


def test_an_approved_request_is_carried_out_and_asks_once(platform: PlatformResource) -> None:
    assert asked(platform) == []
    request_id = approve(platform)
    (run,) = asked(platform)
    assert run.run_key == asked(platform)[0].run_key
    done = request_job.execute_in_process(resources={"platform": platform}, run_config=run.run_config)
    assert done.output_for_node("request_run") == "complete"
    assert asked(platform) == []
    with platform.open().database.connect("privacy") as conn:
        assert set(get_consent(conn, "user-4711").values()) == {"withdraw"}
        assert store.events(conn, request_id)[-1].actor == "dagster"


def test_an_interrupted_request_is_taken_up_when_it_is_silent(
    platform: PlatformResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = approve(platform)
    opened = platform.open()
    with opened.database.connect("privacy") as conn:
        desk = Desk(conn, opened.vault, opened.settings.now)
        desk.move(request_id, Move(Event.START, "killed"), "carried out")
        assert asked(platform) == []
        later = opened.settings.now() + timedelta(hours=2)
        monkeypatch.setattr(type(opened.settings), "now", lambda _: later)
        assert [request_id in str(run.run_config) for run in asked(platform)] == [True]
        desk.move(request_id, Move(Event.FAIL, "worker"), "failed")
        assert asked(platform) == []


def test_the_review_counts_late_requests_and_names_nobody(
    platform: PlatformResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(platform)
    opened = platform.open()
    later = opened.settings.now() + timedelta(days=40)
    monkeypatch.setattr(type(opened.settings), "now", lambda _: later)
    done = requests_review_job.execute_in_process(resources={"platform": platform})
    assert done.output_for_node("requests_review") == 1
    (metadata,) = [e.step_output_data.metadata for e in done.all_events if e.is_successful_output]
    assert {name: metadata[name].value for name in ("open", "late", "due_within_a_week", "packages_removed")} == {
        "open": 1,
        "late": 1,
        "due_within_a_week": 0,
        "packages_removed": 0,
    }
    assert "| restriction | approved | 1 |" in str(metadata["standing"].value)
    assert "data:image/svg+xml" in str(metadata["received_per_day"].value)
    assert "user-4711" not in repr(done.all_events)


def test_what_is_over_is_neither_late_nor_soon(platform: PlatformResource) -> None:
    first, second = approve(platform), approve(platform)
    opened = platform.open()
    with opened.database.connect("privacy") as conn:
        desk = Desk(conn, opened.vault, opened.settings.now)
        desk.withdraw(first, by="anna", reason="not wanted any more")
        due = store.load(conn, second)[0].due_on
        for today, counts in ((due, (0, 1)), (due + timedelta(days=1), (1, 0)), (date(2026, 11, 20), (0, 0))):
            found = overview(store.find(conn), today)
            assert (found.n_open, found.n_late, found.n_soon) == (1, *counts)
        assert found.standing == {("restriction", State.APPROVED): 1, ("restriction", State.WITHDRAWN): 1}


def test_the_schedule_and_the_sensor_are_listed() -> None:
    assert [part.name for part in SCHEDULES] == ["daily_requests_review"]
    assert [part.name for part in SENSORS] == ["approved_requests"]
