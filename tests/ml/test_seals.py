"""The alias of the champion moves by promotion and rollback only: a move by hand is seen, refused and undone."""

from __future__ import annotations

import json

import pytest

from ml.registry import CHAMPION, SEAL, Registry
from ml.seals import UnsealedChampionError, require_sealed, seal, sealed
from tests.ml.conftest import SEAL_KEY

OTHER_KEY = bytes(32)


def test_a_seal_is_of_one_key_one_model_and_one_version() -> None:
    made = seal(SEAL_KEY, "churn", 3)
    require_sealed(made, SEAL_KEY, "churn", 3)
    for text, key, model, version in (
        (made, SEAL_KEY, "churn", 4), (made, SEAL_KEY, "fraud", 3), (made, OTHER_KEY, "churn", 3),
        (None, SEAL_KEY, "churn", 3), ("no json", SEAL_KEY, "churn", 3), ("[]", SEAL_KEY, "churn", 3),
        (json.dumps(json.loads(made) | {"version": 4}), SEAL_KEY, "churn", 4),
        (json.dumps(json.loads(made) | {"before": 4}), SEAL_KEY, "churn", 4),
    ):  # fmt: skip
        with pytest.raises(UnsealedChampionError, match="no gate and no rollback"):
            require_sealed(text, key, model, version)


def test_a_move_cut_short_is_known_on_both_sides() -> None:
    pending = seal(SEAL_KEY, "churn", 4, before=3)
    require_sealed(pending, SEAL_KEY, "churn", 3)
    require_sealed(pending, SEAL_KEY, "churn", 4)
    assert sealed(pending, SEAL_KEY, "churn") == (4, 3)


def test_no_champion_needs_no_seal() -> None:
    require_sealed(None, SEAL_KEY, "churn", None)


@pytest.mark.integration
def test_an_alias_moved_by_hand_is_no_champion_and_a_rollback_puts_it_back(registry: Registry) -> None:
    client = registry._client
    client.create_registered_model(registry.name)
    for _ in range(3):
        client.create_model_version(registry.name, "file:///nowhere")
    registry.promote(1)
    registry.promote(2)
    assert registry.champion() == 2
    client.set_registered_model_alias(registry.name, CHAMPION, "3")
    with pytest.raises(UnsealedChampionError, match="version 3"):
        registry.champion()
    with pytest.raises(UnsealedChampionError):
        registry.promote(3)
    assert registry.rollback() == (3, 2)
    assert registry.champion() == 2
    assert registry.rollback() == (2, 1), "the history of champions is what it was"
    client.set_registered_model_tag(registry.name, SEAL, seal(OTHER_KEY, registry.name, 1))
    with pytest.raises(UnsealedChampionError):
        registry.champion()
