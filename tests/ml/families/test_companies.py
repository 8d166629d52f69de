"""Planted groups of companies are found and stay; what is no group is not stable; and nobody's row is kept."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.families.companies import (
    METHODS,
    Candidate,
    CompanyGroups,
    NoGroupsError,
    NotSharedError,
    candidates,
    most_telling,
    stability,
)
from ml.intervals import Figure

MANY = np.full(90, 12)
CANARY = 48151.623421


def companies(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Ninety companies of three kinds, thirty each, and their kinds."""
    chance = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(3), 30)
    centres = np.array([[1.0, 1.0, 0.0], [6.0, 1.0, 3.0], [1.0, 6.0, 6.0]])
    points = centres[kinds] + chance.normal(0, 0.35, (90, 3))
    return pd.DataFrame(np.sinh(points), [f"c{at}" for at in range(90)], ["calls", "exports", "seats"]), kinds


@pytest.mark.parametrize("method", METHODS)
def test_planted_groups_are_found_and_stay_over_bootstraps(method: str) -> None:
    rows, kinds = companies()
    model = CompanyGroups(method).fit(rows, MANY)
    assert adjusted_rand_score(kinds, model.predict(rows)) > 0.95
    assert adjusted_rand_score(kinds, model.predict(companies(1)[0])) > 0.95
    assert stability(model, rows, MANY, n_resamples=8).value > 0.9


def test_what_is_no_group_is_not_stable_and_the_choice_says_so() -> None:
    chance = np.random.default_rng(5)
    rows = pd.DataFrame(chance.normal(size=(90, 5)), columns=list("abcde"))
    found = candidates(rows, MANY, sizes=(4, 5), n_resamples=6)
    assert found
    assert max(one.stability.value for one in found) < 0.7
    with pytest.raises(NoGroupsError, match=r"reaches an adjusted Rand index of 0\.85"):
        most_telling(found)


def test_the_groups_widest_apart_among_the_stable_are_taken() -> None:
    found = candidates(companies()[0], MANY, sizes=(3, 4), n_resamples=6)
    assert {one.method for one in found} == set(METHODS)
    assert most_telling(found).n_groups == 3
    steady, shaky = Figure(0.9, 0.8, 1.0), Figure(0.84, 0.7, 0.9)
    two, three, four = (
        Candidate("k-means", n, held, apart) for n, held, apart in ((2, steady, 0.1), (3, steady, 0.3), (4, shaky, 0.5))
    )
    assert most_telling([two, three, four]) == three


def test_rows_of_few_people_are_refused_and_not_named() -> None:
    rows, _ = companies()
    few = MANY.copy()
    few[17] = 4
    with pytest.raises(NotSharedError, match="1 of 90 companies have fewer than 5 people") as refused:
        CompanyGroups().fit(rows, few)
    assert "c17" not in str(refused.value)
    with pytest.raises(NotSharedError, match="give one for each"):
        CompanyGroups().fit(rows, MANY[:-1])


@pytest.mark.parametrize("method", METHODS)
def test_the_artefact_holds_no_companys_row_and_no_centre_of_four(method: str) -> None:
    rows, _ = companies()
    rows.iloc[:4] = -np.sinh(9.0)  # four alike, far from all: a group of their own, but for k
    rows.iloc[4] = CANARY * np.array([1.0, 2.0, 3.0])
    model = CompanyGroups(method, n_groups=5).fit(rows, MANY)
    stored = pickle.dumps(model)
    for row in (rows.iloc[4].to_numpy(), np.arcsinh(rows.iloc[4].to_numpy()), *model.points(rows)):
        assert row.tobytes() not in stored
    assert not any(value.tobytes() in stored for value in rows.iloc[4].to_numpy())
    assert model.distances(rows.iloc[:1]).min() > 1
    assert not hasattr(model, "labels_")
    with pytest.raises(NoGroupsError, match="fall into 0 groups"):
        CompanyGroups(k_companies=60).fit(rows, MANY)


def test_similarity_is_highest_among_the_alike() -> None:
    rows, kinds = companies()
    matrix = CompanyGroups().fit(rows, MANY).similarity(rows)
    values = matrix.to_numpy()
    assert (matrix.index == matrix.columns).all()
    assert values == pytest.approx(values.T)
    assert np.diag(values) == pytest.approx(np.ones(90))
    alike = kinds[:, None] == kinds[None, :]
    np.fill_diagonal(alike, val=False)
    assert values[alike].mean() > values[kinds[:, None] != kinds[None, :]].mean() + 0.5


def test_order_of_companies_changes_no_group() -> None:
    rows, _ = companies()
    order = np.random.default_rng(2).permutation(90)
    model, other = (CompanyGroups().fit(part, MANY) for part in (rows, rows.iloc[order]))
    assert (model.predict(rows) == other.predict(rows)).all()
