"""The alias of the champion moves by promotion and rollback only: a move by hand is seen, refused and undone."""

from __future__ import annotations

import json

import pytest

from ml.champions import CHAMPION, SEAL
from ml.registry import NothingToRollBackToError, Registry
from ml.seals import Seal, UnsealedChampionError, require_sealed, seal, sealed
from tests.ml.conftest import SEAL_KEY

OTHER_KEY = bytes(32)


def test_a_seal_is_of_one_key_one_model_and_its_champions() -> None:
    made = seal(SEAL_KEY, "churn", [1, 3])
    assert sealed(made, SEAL_KEY, "churn") == Seal((1, 3))
    for text, key, model in (
        (made, SEAL_KEY, "fraud"), (made, OTHER_KEY, "churn"), (None, SEAL_KEY, "churn"),
        ("no json", SEAL_KEY, "churn"), ("[]", SEAL_KEY, "churn"), (seal(SEAL_KEY, "churn", []), SEAL_KEY, "churn"),
        (json.dumps(json.loads(made) | {"champions": [1, 4]}), SEAL_KEY, "churn"),
        (json.dumps(json.loads(made) | {"before": 4}), SEAL_KEY, "churn"),
        (json.dumps(json.loads(made) | {"mac": "\u00e9"}), SEAL_KEY, "churn"),
    ):  # fmt: skip
        assert sealed(text, key, model) is None


def test_only_the_sealed_champion_and_the_one_before_an_unfinished_move_are_allowed() -> None:
    require_sealed(Seal((1, 3)), "churn", 3)
    require_sealed(Seal((1, 3), before=1), "churn", 1)
    require_sealed(None, "churn", None)
    for found, version in ((Seal((1, 3)), 1), (Seal((1, 3)), 4), (Seal((1, 3), before=1), 2), (None, 3)):
        with pytest.raises(UnsealedChampionError, match="no gate and no rollback"):
            require_sealed(found, "churn", version)


@pytest.fixture
def three(registry: Registry) -> Registry:
    """A model with three versions, of which none is champion."""
    registry._client.create_registered_model(registry.name)
    for _ in range(3):
        registry._client.create_model_version(registry.name, "file:///nowhere")
    return registry


@pytest.mark.integration
def test_an_alias_moved_by_hand_is_no_champion_and_a_rollback_puts_it_back(three: Registry) -> None:
    three.promote(1)
    three.promote(2)
    for by_hand in (3, 1):
        three._client.set_registered_model_alias(three.name, CHAMPION, str(by_hand))
        with pytest.raises(UnsealedChampionError, match=f"version {by_hand}"):
            three.champion()
        with pytest.raises(UnsealedChampionError):
            three.promote(by_hand)
        assert three.rollback() == (by_hand, 2)
        assert three.champion() == 2
    assert three.rollback() == (2, 1), "the history of champions is what it was"


@pytest.mark.integration
def test_a_home_without_a_seal_of_ours_has_a_way_on(three: Registry) -> None:
    """An alias without a seal, or with somebody else's: a person takes it away, then the gates decide."""
    for text in (None, seal(OTHER_KEY, three.name, [1])):
        three._client.set_registered_model_alias(three.name, CHAMPION, "1")
        if text:
            three._client.set_registered_model_tag(three.name, SEAL, text)
        with pytest.raises(UnsealedChampionError):
            three.champion()
        assert three.rollback() == (1, None)
        assert three.champion() is None
    three.promote(3)
    assert three.champion() == 3


@pytest.mark.integration
def test_a_move_cut_short_is_known_and_made_again(three: Registry) -> None:
    three.promote(1)
    three._client.set_registered_model_tag(three.name, SEAL, seal(SEAL_KEY, three.name, [1, 2], before=1))
    assert three.champion() == 1
    three.promote(2)
    assert three.rollback() == (2, 1)
    with pytest.raises(NothingToRollBackToError, match="no champion before"):
        three.rollback()
    three._client.set_registered_model_tag(three.name, SEAL, seal(SEAL_KEY, three.name, [1], before=2))
    three._client.set_registered_model_alias(three.name, CHAMPION, "2")
    assert three.champion() == 2
    assert three.rollback() == (2, 1), "a rollback that was cut short is made again"
