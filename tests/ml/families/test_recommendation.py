"""Recommenders against the same sums written out, on planted tastes, and what of few people is nowhere in them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ml import ranks
from ml.families.recommendation import ImplicitFactors, ItemToItem, Popularity, used
from ml.families.step_tables import places_in
from ml.families.terms import NothingSharedError

MODELS = (Popularity, ItemToItem, ImplicitFactors)


@pytest.fixture(scope="module")
def tastes() -> list[set[str]]:
    """300 people of two tastes over 24 items, one in ten things from the other; items of a taste not alike popular."""
    chance, found = np.random.default_rng(0), []
    weights = np.arange(1, 13) / np.arange(1, 13).sum()
    for at in range(300):
        own = chance.choice(12, size=5, replace=False, p=weights) + 12 * (at % 2)
        found.append({f"item{item:02}" for item in own} | {f"item{chance.integers(24):02}" for _ in range(1)})
    return found


def test_planted_tastes_are_recommended_where_popularity_is_blind(tastes: list[set[str]]) -> None:
    train, asked = tastes[:200], [sorted(items) for items in tastes[200:]]
    begun, wanted = [items[1:] for items in asked], np.array([items[0] for items in asked])
    found = {}
    for model in MODELS:
        fitted = model().fit(train)
        seen = used(begun, fitted.names_).toarray() > 0
        found[model] = ranks.places(fitted.scores(begun), places_in(fitted.names_, wanted), seen)
    mean = {model: float(ranks.gains(places, 10).mean()) for model, places in found.items()}
    assert mean[ItemToItem] > mean[Popularity] + 0.05
    assert mean[ImplicitFactors] > mean[Popularity] + 0.05


def test_likeness_of_items_is_the_cosine_of_their_people() -> None:
    sets = [{"a", "b"}, {"a", "b"}, {"a", "c"}, {"b"}]
    fitted = ItemToItem(tilt=0.5, shrink=0, k_people=1).fit(sets)
    table = used(sets, fitted.names_).toarray()
    lengths = np.linalg.norm(table, axis=0)
    expected = table.T @ table / np.outer(lengths, lengths)
    np.fill_diagonal(expected, 0)
    assert np.allclose(fitted.weights_, expected)
    assert np.allclose(fitted.scores([{"a"}]), expected[:1], atol=1e-8)


def test_a_person_is_solved_for_as_the_paper_writes_it(tastes: list[set[str]]) -> None:
    fitted = ImplicitFactors(width=4, rounds=3).fit(tastes)
    items, uses = fitted.items_, used(tastes[:1], fitted.names_).toarray()[0]
    trust = np.diag(1 + fitted.trust * uses)
    person = np.linalg.solve(items.T @ trust @ items + fitted.penalty * np.eye(4), items.T @ trust @ uses)
    assert np.allclose(fitted.scores(tastes[:1])[0], items @ person)
    again = ImplicitFactors(width=4, rounds=3).fit(tastes)
    assert np.array_equal(fitted.items_, again.items_)


def test_each_round_lowers_what_is_minimised(tastes: list[set[str]]) -> None:
    table = used(tastes, ImplicitFactors().fit(tastes).names_).toarray()

    def loss(rounds: int) -> float:
        fitted = ImplicitFactors(width=4, rounds=rounds).fit(tastes)
        people = fitted._solved(used(tastes, fitted.names_), fitted.items_)
        errors = (1 + fitted.trust * table) * (table - people @ fitted.items_.T) ** 2
        return float(errors.sum() + fitted.penalty * ((people**2).sum() + (fitted.items_**2).sum()))

    found = [loss(rounds) for rounds in (1, 2, 5)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("model", MODELS)
def test_an_item_or_pair_of_four_people_is_nowhere_in_it(model: type, tastes: list[set[str]]) -> None:
    sets = [*tastes, *[{"secret", "item00"}] * 4]
    fitted = model().fit(sets)
    assert b"secret" not in pickle.dumps(fitted)
    assert len(pickle.dumps(fitted)) < 20_000  # 300 people's sets are not in it
    with pytest.raises(NothingSharedError):
        model().fit(sets[-4:])
    pairs = ItemToItem().fit([{"a"}] * 9 + [{"b"}] * 9 + [{"a", "b"}] * 4)
    assert pairs.weights_.sum() == 0
