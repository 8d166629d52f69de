"""Standing among peers, planted practices of the successful, and a planted graph of two kinds of companies."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from ml.families.peers import FeatureGraph, practices, recommended, standing

GROUPS = np.repeat([0, 1], 40)


def uses(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Which of six features eighty companies use; in group 0 the successful use `automation`."""
    chance = np.random.default_rng(seed)
    is_successful = chance.random(80) < 0.5
    table = pd.DataFrame(chance.random((80, 6)) < 0.5, columns=["automation", *"abcde"])
    table.loc[GROUPS == 0, "automation"] = is_successful[GROUPS == 0]
    return table.astype(int), is_successful


def test_standing_is_the_share_of_peers_below() -> None:
    rows = pd.DataFrame({"calls": [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 9.0]}, index=list("abcdefg"))
    found = standing(rows, np.array([0, 0, 0, 0, 0, 0, 1]))
    assert found["calls"].tolist()[:6] == pytest.approx([0, 0.2, 0.4, 0.6, 0.9, 0.9])
    assert found["calls"].isna().tolist() == [False] * 6 + [True]
    assert standing(rows, np.array([0, 0, 0, 0, 0, 1, 1])).isna().all().all()


def test_a_planted_practice_is_found_and_recommended_to_those_without_it() -> None:
    table, is_successful = uses()
    (found,) = practices(table, is_successful, GROUPS)
    assert (found.group, found.feature, found.share_of_successful, found.share_of_others) == (0, "automation", 1, 0)
    told = recommended(table, GROUPS, (found,))
    assert [bool(one) for one in told] == [bool(one) for one in (GROUPS == 0) & (table["automation"] == 0)]


def test_chance_and_small_groups_recommend_nothing() -> None:
    table, is_successful = uses()
    assert practices(table.drop(columns="automation"), is_successful, GROUPS) == ()
    few = np.zeros(80, dtype=np.bool_)
    few[np.flatnonzero(table["automation"] & (GROUPS == 0))[:4]] = True
    assert practices(table, few, GROUPS) == ()


def test_companies_of_like_features_lie_together_and_only_features_are_kept() -> None:
    chance = np.random.default_rng(0)
    weights = np.where(GROUPS[:, None] == np.repeat([0, 1], 5), 0.8, 0.1)
    table = pd.DataFrame(chance.poisson(weights), columns=list("abcdefghij")).assign(rare=0)
    table.loc[:3, "rare"] = 9
    model = FeatureGraph(n_dimensions=2).fit(table)
    points = model.transform(table)
    used = table.iloc[:, :10].sum(axis=1).to_numpy() > 0
    sides = np.sign(points[used, 0])
    agreed = (sides == np.where(GROUPS[used] == 0, 1, -1)).mean()
    assert max(agreed, 1 - agreed) > 0.9
    assert "rare" not in model.features_
    assert model.vectors_.shape == (10, 2)
    assert b"rare" not in pickle.dumps(model)
    assert (model.transform(table * 0) == 0).all()
