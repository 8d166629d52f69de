"""Performance after the fact: late labels joined and measured, and an estimate without labels that holds."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.evaluation import Outcomes, ranking
from ml.performance import estimated_auc, measured


def test_the_estimate_is_the_auc_where_probabilities_are_calibrated() -> None:
    draw = np.random.default_rng(3)
    probability = draw.beta(1, 3, 40_000)
    labels = draw.random(40_000) < probability
    truth = ranking(Outcomes(labels.astype(float), np.zeros(40_000, dtype=np.int64), 1), probability, np.ones((1, 1)))
    assert estimated_auc(probability) == pytest.approx(float(truth[0][0]), abs=0.01)


def test_few_rows_give_no_estimate() -> None:
    assert estimated_auc(np.full(199, 0.5)) is None
    assert estimated_auc(np.full(200, 0.5)) == pytest.approx(0.5)


def rows(day: date, n_rows: int, sharp: float) -> pd.DataFrame:
    draw = np.random.default_rng(n_rows)
    churned = draw.random(n_rows) < 0.4
    return pd.DataFrame({
        "cutoff_on": day, "subject": [f"s{i}" for i in range(n_rows)],
        "probability": draw.normal(churned * sharp, 1), "is_churned": churned,
    })  # fmt: skip


def test_each_cutoff_is_measured_by_itself_and_a_small_one_is_not() -> None:
    first, second, third = date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)
    found = measured(pd.concat([rows(second, 400, 0.0), rows(first, 400, 3.0), rows(third, 20, 3.0)]), version=1)
    assert [(item.cutoff_on, item.n_rows, item.is_known) for item in found] == [
        (first, 400, True), (second, 400, True), (third, 20, False),
    ]  # fmt: skip
    assert found[0].auc is not None
    assert found[1].auc is not None
    assert found[0].auc.low > 0.9
    assert found[1].auc.high < 0.6


def test_no_published_prediction_is_no_figure() -> None:
    assert measured(pd.DataFrame(columns=["cutoff_on", "subject", "probability", "is_churned"]), version=1) == []
