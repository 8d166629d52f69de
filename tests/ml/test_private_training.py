"""A private model: nobody pulls a sum further than the noise is made for, and without noise it learns what there is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from ml import churn
from ml.embedded.agreement import largest_difference
from ml.embedded.document import document_of
from ml.evaluation import plain_auc
from ml.feature_sets import Feature
from ml.private_training import (
    INTERCEPT,
    UNIT,
    NoUsableColumnError,
    Recipe,
    private_pipeline,
    private_weights,
    sensitivity,
    usable,
)
from tests.ml import synthetic

FRAME = synthetic.frame(300, 6)
LARGEST = {"days_since_last_event": 90.0, "n_events_28d": 280.0, "tenure_days": 365.0}
LABELS = FRAME["is_churned"].to_numpy(bool)
PEOPLE = FRAME["subject"].to_numpy(object)


def column(name: str, unit: str, days: int = 28) -> Feature:
    return Feature(name, "double precision", unit, days, "model_training", "", ())


def asked(frame: pd.DataFrame, n_rounds: int = 20) -> list[list[int]]:
    """The sums that noise is asked for, when the answers are always the same: what another person changes in them."""
    sums: list[list[int]] = []
    draw = np.random.default_rng(5)

    def answer(cells: Sequence[int]) -> list[int]:
        sums.append(list(cells))
        return [300 * UNIT] if len(sums) == 1 else [int(x) for x in draw.normal(0, 50 * UNIT, len(cells))]

    labels, people = frame["is_churned"].to_numpy(bool), frame["subject"].to_numpy(object)
    private_weights(frame, labels, people, largest=LARGEST, noise=answer, recipe=Recipe(n_rounds))
    return sums


def moved(frame: pd.DataFrame, who: str) -> list[float]:
    """How far each sum moves when one person is taken out."""
    pairs = zip(asked(frame), asked(frame[frame["subject"] != who]), strict=True)
    return [float(np.linalg.norm(np.subtract(one, other))) for one, other in pairs]


def test_nobody_moves_a_sum_further_than_the_noise_is_made_for() -> None:
    extreme = FRAME.assign(**{name: FRAME[name].where(FRAME["subject"] != "s000003", 1e300) for name in LARGEST})
    limit = sensitivity(len(LARGEST))
    for frame, who in ((FRAME, "s000007"), (FRAME, "s000020"), (extreme, "s000003")):
        distances = moved(frame, who)
        assert len(distances) == Recipe(20).n_draws
        assert max(distances) <= limit
    assert max(moved(extreme, "s000003")[1:]) > 0.99 * limit, "without the bound this person would pull further"


def test_without_noise_it_ranks_as_logistic_regression_does() -> None:
    weights = private_weights(FRAME, LABELS, PEOPLE, largest=LARGEST, noise=list, recipe=Recipe())
    assert list(weights) == [*LARGEST, INTERCEPT]
    ours = churn.probabilities(private_pipeline(weights, LARGEST), FRAME)
    theirs = churn.probabilities(churn.fit("logistic regression", FRAME[list(LARGEST)], LABELS), FRAME)
    assert plain_auc(LABELS, ours) > plain_auc(LABELS, theirs) - 0.01 > 0.7


def test_the_order_of_rows_changes_nothing() -> None:
    shuffled = FRAME.sample(frac=1, random_state=3)
    again = private_weights(
        shuffled, shuffled["is_churned"].to_numpy(bool), shuffled["subject"].to_numpy(object),
        largest=LARGEST, noise=list, recipe=Recipe(5),
    )  # fmt: skip
    first = private_weights(FRAME, LABELS, PEOPLE, largest=LARGEST, noise=list, recipe=Recipe(5))
    assert all(abs(again[name] - first[name]) <= 2 for name in first), "but for the last bits of sums"


def test_the_released_weights_are_the_whole_model() -> None:
    weights = {"days_since_last_event": 3 * UNIT, "n_events_28d": -2 * UNIT, "tenure_days": 0, INTERCEPT: UNIT}
    made = private_pipeline(weights, LARGEST)
    usual = pd.DataFrame([{name: np.sinh(np.arcsinh(value) / 2) for name, value in LARGEST.items()}])
    assert churn.probabilities(made, usual)[0] == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert largest_difference(made, document_of(made, model="private"), FRAME[:200]) < 1e-12
    missing = churn.probabilities(made, FRAME[:1].assign(n_events_28d=np.nan))
    assert missing == churn.probabilities(made, FRAME[:1].assign(n_events_28d=0.0))


def test_columns_that_count_others_or_have_no_bound_are_left_out() -> None:
    columns = [column("share", "share"), column("days", "days", 90), column("colleagues", "subjects"), column("n", "x")]
    assert usable([*columns, column("ever", "events", 0)]) == {"days": 90.0, "n": 280.0, "share": 1.0}
    with pytest.raises(NoUsableColumnError, match="count other people"):
        usable([column("colleagues", "subjects")])
