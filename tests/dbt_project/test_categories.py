"""The feature categories: a history of changes ends as a full refresh, and a cutoff sees what was known."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from random import Random

import pytest

from tests.dbt_project.conftest import Event, Project

pytestmark = pytest.mark.integration

AGGREGATES = (
    "agg_user_activity_day", "agg_user_feature_day", "agg_user_ai_day", "agg_user_security_day",
    "agg_user_requests_day", "agg_api_key_day", "agg_endpoint_day", "agg_resource_day", "agg_availability_day",
    "agg_prompt_template_user_day", "agg_reference_day",
)  # fmt: skip
FEATURES = ("ftr_user_behavior_weekly", "ftr_user_ai_weekly", "ftr_user_security_weekly", "ftr_user_fraud_weekly")
TABLES = (
    *(f"aggregates.{name}" for name in AGGREGATES), *(f"features.{name}" for name in FEATURES),
    "features.ftr_user_sequences", "marts.mart_drop_outs", "marts.mart_prompt_templates",
)  # fmt: skip
SELECTED = ("-s", *(f"+{name.split('.')[1]}" for name in TABLES))
START = datetime(2023, 12, 20)
CLIENT = {"device": "phone", "os": "linux", "network": "t_home"}
# (event type, action, data): one of everything that a category reads.
KINDS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("ui", "page_view", {"feature": "board", "load_ms": 40}),
    ("ui", "feature_use", {"feature": "ideas", "duration_ms": 900}),
    ("ui", "form_submit", {"is_valid": False}),
    ("api", "call", {"endpoint": "/v1/tasks", "method": "GET", "status": 503, "latency_ms": 7.5, "api_key": "t_key"}),
    ("api", "call", {"endpoint": "/v1/tasks", "method": "GET", "latency_ms": 0.1, "api_key": "t_other"}),
    ("ai", "prompt", {"prompt_length": 30, "n_tokens": 8, "intent": "plan", "prompt_template": "reply"}),
    ("ai", "response", {"quality": 0.3, "cost": 0.001, "succeeded": False, "prompt_template": "reply"}),
    ("ai", "rating", {"rating": 4, "edited": True, "prompt_template": "reply"}),
    ("security", "login", {"succeeded": True, "risk_score": 12.5}),
    ("security", "failed_login", {"succeeded": False, "risk_score": 70}),
    ("security", "access", {"resource": "billing", "granted": False}),
    ("security", "threat_detected", {"blocked": False, "severity": "high"}),
    ("business", "payment_method_change", {}),
    ("content", "reference_created", {"reference_field": "law", "quality": 0.7, "readability": 55}),
    ("system", "metrics", {"cpu_percent": 33.3, "resource": "api-1"}),
    ("system", "incident_end", {"duration_ms": 60000, "severity": "low"}),
)


def some_events(chance: Random, n: int, n_days: int) -> list[Event]:
    """Events of every kind, of few people, dense around midnights, some of them known days later."""
    found = []
    for number in range(n):
        seconds = chance.choice([chance.randrange(86_400), chance.randrange(-1500, 1500)])
        at = START + timedelta(days=chance.randrange(1, n_days), seconds=seconds)
        event_type, action, data = chance.choice([KINDS[0], chance.choice(KINDS)])
        known_at = at + timedelta(days=chance.choice([0, 0, 0, 9]))
        client = {**CLIENT, "network": chance.choice(["t_home", "t_office"])}
        found.append(
            Event(
                event_id=f"{number}-{chance.getrandbits(48):x}",
                subject=None if event_type == "system" else chance.choice("stuvwxy"),
                at=f"{at:%Y-%m-%d %H:%M:%S}",
                received=f"{known_at:%Y-%m-%d %H:%M:%S}",
                action=action,
                event_type=event_type,
                data=json.dumps(data | {"_client_info": client}),
            )
        )
    return found


def rewrite(project: Project, log: list[Event], touched: list[Event]) -> None:
    """Rewrite the days of the touched events from what is in the log, and run the models."""
    days = {event.occurred_at.date() for event in touched}
    project.replace_days([event for event in log if event.occurred_at.date() in days], days=days)
    assert project.run("run", *SELECTED), project.output.read_text()


def at_cutoff(project: Project) -> dict[str, list[tuple[object, ...]]]:
    """The features at 8 January 2024 and before."""
    query = "select * from features.{0} where cutoff_on <= '2024-01-08' order by 1, 2"
    return {name: project.rows(query.format(name)) for name in FEATURES}


def test_late_events_and_erasures_end_in_a_full_refresh_and_change_no_past_cutoff(project: Project) -> None:
    """Events of days before a cutoff that came in at the cutoff or later change no feature at it; an erasure does."""
    data = {"endpoint": "/" + "x" * 9000, "method": 7, "latency_ms": {"a": 1}, "api_key": []}
    hostile = Event("long", "s", "2024-01-02 10:00", action="call", event_type="api", data=json.dumps(data))
    log = [*some_events(Random(3), 600, 20), hostile]  # noqa: S311
    known = [event for event in log if event.received_at < datetime.fromisoformat("2024-01-08 00:00+00:00")]
    late = [event for event in log if event not in known]
    assert any(event.at < "2024-01-08" for event in late)
    rewrite(project, known, known)
    before = at_cutoff(project)
    assert all(before.values())

    rewrite(project, log, late)
    assert at_cutoff(project) == before
    assert project.rows("select count(*) from aggregates.agg_endpoint_day where length(endpoint) > 200") == [(0,)]

    erased = [event for event in log if event.subject == "t"]
    rewrite(project, [event for event in log if event.subject != "t"], erased)
    contents = project.contents(TABLES)
    assert all(contents.values())
    assert project.rows("select distinct subject from features.ftr_user_fraud_weekly order by 1") == [
        (s,) for s in "suvwxy"
    ]
    project.build("--indirect-selection", "cautious", "--full-refresh", *SELECTED)
    assert project.contents(TABLES) == contents
