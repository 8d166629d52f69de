"""A model that remembers people gives their values away; one that holds a rule adds nothing to an imputer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.intervals import Floats
from ml.inversion import MOST_ROWS, inversion

N = 400
DRAW = np.random.default_rng(3)
SECRET = DRAW.integers(0, 3, N).astype(float)
FEATURES = pd.DataFrame({"secret": SECRET, "known": DRAW.normal(size=N), "echo": SECRET + 3 * DRAW.normal(size=N)})
LABELS: NDArray[np.bool_] = DRAW.random(N) < 0.5
SUBJECTS = np.array([f"s{n // 2}" for n in range(N)], dtype=object)


def by_heart(rows: pd.DataFrame) -> Floats:
    """Says what happened to exactly the rows it learnt, and a half of others."""
    learnt = {(row.secret, row.known): float(label) for row, label in zip(FEATURES.itertuples(), LABELS, strict=True)}
    return np.array([learnt.get((row.secret, row.known), 0.5) for row in rows.itertuples()])


def by_rule(rows: pd.DataFrame) -> Floats:
    return np.asarray(1 / (1 + np.exp(-rows["known"].to_numpy(np.float64))))


def test_a_model_that_knows_people_by_heart_gives_their_values_away() -> None:
    told = inversion(by_heart, FEATURES, LABELS, SUBJECTS)
    assert told is not None
    assert (told.column, told.n_values) == ("secret", 3)
    assert told.by_model > 0.95
    assert told.by_imputer < 0.6
    assert told.gain.low > 0.4


def test_a_rule_over_other_columns_adds_nothing() -> None:
    told = inversion(by_rule, FEATURES, LABELS, SUBJECTS)
    assert told is not None
    assert told.gain.low <= 0 <= told.gain.high or abs(told.gain.value) < 0.05


def test_names_of_people_and_missing_values_change_nothing_that_matters() -> None:
    holes = FEATURES.assign(known=FEATURES["known"].where(FEATURES.index % 5 > 0))
    assert inversion(by_rule, holes.assign(none=np.nan), LABELS, SUBJECTS) is not None
    assert inversion(by_rule, FEATURES[["known"]].assign(known=1.0), LABELS, SUBJECTS) is None


def test_the_cost_is_bounded() -> None:
    seen: list[int] = []

    def score(rows: pd.DataFrame) -> Floats:
        seen.append(len(rows))
        return by_rule(rows)

    many = pd.concat([FEATURES] * 10, ignore_index=True)
    subjects = np.array([f"p{n}" for n in range(len(many))], dtype=object)
    assert inversion(score, many, np.tile(LABELS, 10), subjects) is not None
    assert max(seen) == MOST_ROWS
