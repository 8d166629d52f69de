"""The simulated log: exact size, same bytes for the same spec, valid, in order of time, and with a life behind it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from collection.mapping import parse_mapping
from collection.simulator import (
    SIMULATOR_MAPPING,
    Canaries,
    Drift,
    Simulation,
    SimulationSpec,
    SimulationSpecError,
    simulate,
    write_jsonl,
)

SPEC = SimulationSpec(seed=11, n_events=12_000, canaries=Canaries(2))


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SPEC)


def _digest(table: pa.Table) -> str:
    return sha256(json.dumps(table.to_pylist(), default=str).encode()).hexdigest()


@pytest.mark.parametrize("n_events", [200, 999, 3001])
def test_size_is_exact_and_ids_are_unique(n_events: int) -> None:
    events = simulate(SimulationSpec(n_events=n_events)).events
    assert events.num_rows == n_events
    assert len(pc.unique(events["id"])) == n_events


def test_same_seed_same_log_other_seed_other_log() -> None:
    spec = SimulationSpec(n_events=1500, canaries=Canaries())
    first, again = simulate(spec), simulate(spec)
    assert _digest(first.events) == _digest(again.events)
    assert _digest(first.consents) == _digest(again.consents)
    assert first.canary_tokens == again.canary_tokens
    assert _digest(simulate(SimulationSpec(seed=8, n_events=1500)).events) != _digest(first.events)


def test_events_are_in_order_of_time_and_inside_the_period(simulation: Simulation) -> None:
    at = simulation.events["created_at"].cast(pa.int64()).to_numpy()
    start = datetime.combine(SPEC.start_on, time(), UTC)
    assert (np.diff(at) >= 0).all()
    assert at[0] >= start.timestamp() * 1e6
    assert at[-1] < (start + timedelta(days=SPEC.n_days)).timestamp() * 1e6


def test_every_json_text_is_valid(simulation: Simulation) -> None:
    for name in ("data", "metadata", "client_info"):
        for text in simulation.events[name].to_pylist():
            assert text is None or isinstance(json.loads(text), dict)


def test_required_fields_are_filled_and_some_events_are_nobodys(simulation: Simulation) -> None:
    events = simulation.events
    optional = {"user_id", "persona_id", "company_id", "session_id", "client_info"}
    for name in set(events.column_names) - optional:
        assert events[name].null_count == 0, name
    assert 0 < events["user_id"].null_count < 0.1 * events.num_rows
    assert events["user_id"].null_count == events["session_id"].null_count


def test_consents_precede_the_first_event_and_some_are_withdrawn(simulation: Simulation) -> None:
    first = simulation.events.group_by("user_id").aggregate([("created_at", "min")])
    asked = simulation.consents.filter(pc.equal(simulation.consents["decision"], "grant"))
    joined = asked.join(first, "subject", "user_id", join_type="left outer")
    assert pc.all(pc.less(joined["decided_at"], joined["created_at_min"])).as_py()
    training = pc.sum(pc.equal(asked["purpose"], "model_training")).as_py()
    assert 0.8 < training / len(pc.unique(asked["subject"])) < 1
    assert set(simulation.consents["decision"].to_pylist()) == {"grant", "withdraw"}


def test_users_who_left_are_silent_and_hazard_follows_behaviour() -> None:
    spec = SimulationSpec(n_events=30_000)
    made = simulate(spec)
    weeks = made.truth.hazard.shape[1]
    left, joined = made.truth.left_week, made.truth.joined_week
    assert 0.1 < (left < weeks).mean() < 0.6
    start = datetime.combine(spec.start_on, time(), UTC).timestamp()
    last = made.events.group_by("user_id").aggregate([("created_at", "max")])
    last_week = {
        user: (at.timestamp() - start) / 604_800
        for user, at in zip(last["user_id"].to_pylist(), last["created_at_max"].to_pylist(), strict=True)
    }
    for user, week in zip(made.truth.user_id.to_pylist(), left, strict=True):
        assert last_week.get(user, 0) <= week + 0.5  # a session may run past midnight
    hazard = made.truth.hazard
    leavers = [
        (hazard[user, left[user] - 1], np.median(hazard[user, max(0, joined[user]) : left[user]]))
        for user in np.flatnonzero((left < weeks) & (left > joined + 4))
    ]
    assert np.mean([last > usual for last, usual in leavers]) > 0.6


def test_silence_to_come_can_be_ranked_from_behaviour_but_not_perfectly() -> None:
    spec = SimulationSpec(n_events=40_000)
    events = simulate(spec).events.filter(pc.is_valid(pc.field("user_id")))
    start = datetime.combine(spec.start_on, time(), UTC).timestamp()
    day = (events["created_at"].cast(pa.int64()).to_numpy() / 1e6 - start) / 86_400
    _, user = np.unique(events["user_id"].to_numpy(), return_inverse=True)
    cutoff = spec.n_days - 28
    last = np.full(user.max() + 1, -np.inf)
    np.maximum.at(last, user[day < cutoff], day[day < cutoff])
    is_active = last >= cutoff - 90
    is_silent = ~np.isin(np.arange(len(last)), user[day >= cutoff])[is_active]
    recency = cutoff - last[is_active]
    assert 0.1 < is_silent.mean() < 0.35
    wins = recency[is_silent][:, None] > recency[~is_silent][None, :]
    assert 0.65 < wins.mean() < 0.9


def test_the_log_is_that_of_a_product(simulation: Simulation) -> None:
    """Every family of events, companies of every segment with their seats, people in roles, ratings of answers."""
    events = simulation.events
    families = {"ui", "api", "ai", "system", "business", "security", "profile", "support"}
    assert families <= set(events["event_type"].to_pylist())
    assert set(simulation.truth.segment.to_pylist()) == {"startup", "smb", "enterprise"}
    said = [json.loads(text) for text in events["data"].to_pylist() if text]
    assert len({data["role"] for data in said if "role" in data}) > 3
    assert len({data["seats"] for data in said if "seats" in data}) > 3
    assert {data["rating"] for data in said if "rating" in data} >= {1, 5}


def test_a_session_is_a_workflow_and_no_heap_of_actions(simulation: Simulation) -> None:
    """What comes next follows from what was done: answers follow prompts, ratings answers."""
    after: dict[str, Counter[str]] = defaultdict(Counter)
    last: dict[str, str] = {}
    for session, action in zip(
        *(simulation.events[name].to_pylist() for name in ("session_id", "action")), strict=True
    ):
        if session in last:
            after[last[session]][action] += 1
        if session is not None:
            last[session] = action
    shares = {name: {key: n / following.total() for key, n in following.items()} for name, following in after.items()}
    assert shares["prompt"]["response"] > 0.95
    assert all("rating" not in following for name, following in shares.items() if name != "response")
    assert shares["search"]["click"] > 3 * shares["prompt"].get("click", 0)


def test_drift_changes_latency_mix_and_sessions_from_its_day_on() -> None:
    starts_on = date(2026, 5, 1)
    drift = Drift(starts_on, latency_factor=3.0, api_share=0.3, session_length_factor=2.0)
    made = simulate(SimulationSpec(n_events=20_000, fraud_share=0, drift=drift)).events
    late = pc.greater_equal(made["created_at"], pa.scalar(datetime.combine(starts_on, time(), UTC)))
    before, after = (_profile(made.filter(mask)) for mask in (pc.invert(late), late))
    assert after[0] > 2 * before[0]
    assert after[1] > 2 * before[1]
    assert after[2] > 1.3 * before[2]
    control = simulate(SimulationSpec(n_events=20_000, fraud_share=0)).events
    still, too = (_profile(control.filter(mask)) for mask in (pc.invert(_late(control)), _late(control)))
    assert np.allclose(still, too, rtol=0.25)


def _late(events: pa.Table) -> pa.Array:
    return pc.greater_equal(events["created_at"], pa.scalar(datetime(2026, 5, 1, tzinfo=UTC)))


def _profile(events: pa.Table) -> tuple[float, float, float]:
    """Median latency of calls, share of calls, mean events per session."""
    calls = events.filter(pc.equal(events["action"], "call"))
    latency = float(np.median([json.loads(text)["latency_ms"] for text in calls["data"].to_pylist()]))
    sessions = len(pc.unique(events["session_id"].drop_null()))
    return latency, calls.num_rows / events.num_rows, events.num_rows / sessions


def test_fraud_calls_fast_from_many_addresses() -> None:
    made = simulate(SimulationSpec(n_events=8000, fraud_share=0.02))
    fraud = pc.filter(made.truth.user_id, pa.array(made.truth.is_fraud))
    rows = made.events.filter(pc.is_in(made.events["user_id"], fraud))
    addresses = [json.loads(text)["ip"] for text in rows["client_info"].to_pylist()]
    sessions = len(pc.unique(rows["session_id"]))
    assert len(set(addresses)) > 3 * sessions
    assert _profile(rows)[1] > 3 * _profile(made.events)[1]


def test_written_lines_read_back_equal_and_the_mapping_is_accepted(simulation: Simulation, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert write_jsonl(simulation, path) == SPEC.n_events
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == SPEC.n_events
    for line, event in list(zip(lines, simulation.events.to_pylist(), strict=True))[::37]:
        record = json.loads(line)
        assert datetime.fromisoformat(record["created_at"]) == event["created_at"]
        assert record["data"] == json.loads(event["data"])
        assert record["user_id"] == event["user_id"]
    assert parse_mapping(SIMULATOR_MAPPING).source == "simulator"
    assert [found.name for found in tmp_path.iterdir()] == ["log.jsonl"]


def test_impossible_specs_are_refused() -> None:
    for wrong in ({"n_events": 10}, {"n_days": 3}, {"seed": -1}, {"n_users": 1}, {"canaries": Canaries(0)}):
        with pytest.raises(SimulationSpecError):
            SimulationSpec(**wrong)
    with pytest.raises(SimulationSpecError, match="at least 600 events"):
        SimulationSpec(n_events=500, canaries=Canaries(10))
    with pytest.raises(SimulationSpecError, match="out of range"):
        SimulationSpec(drift=Drift(date(2026, 1, 1), latency_factor=0))
