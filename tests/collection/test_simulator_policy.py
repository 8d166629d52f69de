"""The rules of the simulator: every path it writes is ruled, or left unruled on purpose, and no rule is idle."""

from __future__ import annotations

import json
import re

from collection.simulator import SIMULATOR_RULES, UNRULED_ON_PURPOSE, SimulationSpec, simulate
from collection.simulator.kinds import KINDS, STATE, USER_KINDS, emitted_paths
from collection.simulator.policy import ruled
from collection.simulator.rare_kinds import TURNS
from collection.simulator.transitions import STEPS
from privacy.policy import make_rule


def _unruled(emitted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    on_purpose = {pair for pair in emitted if pair in UNRULED_ON_PURPOSE or ("*", pair[1]) in UNRULED_ON_PURPOSE}
    return {pair for pair in emitted - on_purpose if ruled(*pair) is None}


def _paths(value: object, path: str) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_paths(item, f"{path}/{key}") for key, item in value.items()))
    if isinstance(value, list):
        return set().union(*(_paths(item, f"{path}/*") for item in value))
    return {path}


def test_every_written_path_is_ruled_or_left_out_on_purpose() -> None:
    written: set[tuple[str, str]] = set()
    for event in simulate(SimulationSpec(n_events=6000)).events.to_pylist():
        for field in ("data", "metadata", "client_info"):
            if event[field]:
                written |= {(event["event_type"], path) for path in _paths(json.loads(event[field]), f"/{field}")}
    assert written <= set(emitted_paths())
    assert _unruled(set(emitted_paths())) == set()


def test_a_new_path_without_a_rule_is_found() -> None:
    assert _unruled({("ui", "/data/brand_new"), ("ui", "/data/page")}) == {("ui", "/data/brand_new")}


def test_what_is_unruled_on_purpose_is_written_and_has_no_rule() -> None:
    for event_type, path in UNRULED_ON_PURPOSE:
        assert any(path == other and event_type in ("*", kind) for kind, other in emitted_paths())
        assert ruled("ui" if event_type == "*" else event_type, path) is None


def test_no_rule_is_idle_or_doubled() -> None:
    keys = [(rule.event_type, rule.path) for rule in SIMULATOR_RULES]
    assert len(keys) == len(set(keys))
    for rule in SIMULATOR_RULES:
        assert any(rule.path == path and rule.event_type in ("*", kind) for kind, path in emitted_paths()), rule


def test_the_privacy_transform_accepts_every_rule() -> None:
    for rule in SIMULATOR_RULES:
        row = rule.row()
        make_rule(row["event_type"], row["path"], row["class"], row["kind"], row["treatment"])


def test_workflows_and_kinds_agree() -> None:
    states = {kind.action for kind in USER_KINDS}
    assert set(STEPS) == states | {"start"}
    assert {target for row in STEPS.values() for target in row} <= states | {"end"}
    assert len({kind.action for kind in KINDS}) == len(KINDS)
    assert {kind for turn in TURNS for kind in turn[:2]} <= set(STATE)


def test_personal_data_is_of_reserved_ranges_only() -> None:
    log = "\n".join(
        text or ""
        for name in ("data", "client_info")
        for text in simulate(SimulationSpec(n_events=6000)).events[name].to_pylist()
    )
    assert all(re.search(r"@(mail\.)?example\.(com|org|net)$", found) for found in re.findall(r"[\w.]+@[\w.]+\w", log))
    assert all(re.fullmatch(r"\+1-\d{3}-555-01\d\d", found) for found in re.findall(r"\+1-[\d-]+", log))
    addresses = re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", log)
    assert addresses
    assert all(found.startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for found in addresses)
    assert all(found.startswith("9") for found in re.findall(r"\b\d{3}-\d{2}-\d{4}\b", log))
