"""Canary tokens: each is planted, each is unique, and each stays in its field and with its users."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from collection.simulator import Canaries, Simulation, SimulationSpec, simulate
from collection.simulator.invented import CARDS


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SimulationSpec(n_events=4000, canaries=Canaries(2)))


def test_tokens_are_unique_and_none_contains_another(simulation: Simulation) -> None:
    tokens = [token.token for token in simulation.canary_tokens]
    for token in tokens:
        assert sum(token in other for other in tokens) == 1


def test_every_token_is_in_its_field_and_nowhere_else(simulation: Simulation) -> None:
    events = simulation.events.to_pylist()
    for canary in simulation.canary_tokens:
        found = [event for event in events if canary.token in json.dumps(event, default=str)]
        assert found, canary
        for event in found:
            if "/" not in canary.field:
                assert event[canary.field] == canary.token
                continue
            event_type, field, *keys = canary.field.split("/")
            assert event["event_type"] == event_type
            value = json.loads(event[field])
            for key in keys:
                value = value[key]
            assert canary.token in value


def test_canary_users_grant_everything_for_good(simulation: Simulation) -> None:
    canaries = pc.filter(simulation.truth.user_id, pa.array(simulation.truth.is_canary))
    theirs = simulation.consents.filter(pc.is_in(simulation.consents["subject"], canaries))
    assert theirs.num_rows == 2 * len(pc.unique(simulation.consents["purpose"]))
    assert set(theirs["decision"].to_pylist()) == {"grant"}


def test_without_canaries_nothing_is_planted() -> None:
    made = simulate(SimulationSpec(n_events=400))
    assert made.canary_tokens == ()
    assert not made.truth.is_canary.any()


def test_card_tokens_pass_the_check_digit_like_real_ones(simulation: Simulation) -> None:
    tokens = [canary.token for canary in simulation.canary_tokens if canary.field.endswith("/card")]
    assert tokens
    for number in [*CARDS.to_pylist(), *tokens]:
        assert _luhn(number)
    assert not _luhn("4111111111111112")


def _luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0
