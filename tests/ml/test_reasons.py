"""Reason codes name the columns that moved a row's score, in order, and no value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.pipeline import Pipeline

from ml import churn, reasons
from ml.reasons import contributions, reason_codes
from tests.ml import synthetic

FRAME = synthetic.frame(300, 3)
COLUMNS = ["days_since_last_event", "n_events_28d", "tenure_days", "noise_0"]
LABELS = FRAME["is_churned"].to_numpy(bool)


@pytest.fixture(scope="module", params=["logistic regression", "gradient boosting"])
def fitted(request: pytest.FixtureRequest) -> Pipeline:
    return churn.fit(request.param, FRAME[COLUMNS], LABELS)


def test_what_a_linear_model_adds_up_is_told_exactly() -> None:
    rows = FRAME[COLUMNS].fillna(0)
    model = churn.fit("logistic regression", rows, LABELS)
    ordinary = rows.median().to_numpy(np.float64)
    moved = contributions(model, rows.to_numpy(np.float64), ordinary)
    usual = logit(churn.probabilities(model, rows.median().to_frame().T))
    assert np.allclose(moved.sum(axis=1), logit(churn.probabilities(model, rows)) - usual, atol=1e-9)


def test_a_row_is_explained_by_what_makes_it_different(fitted: Pipeline) -> None:
    ordinary = FRAME[COLUMNS].median()
    gone, busy = ordinary.copy(), ordinary.copy()
    gone["days_since_last_event"], busy["n_events_28d"] = 60.0, 200.0
    rows = pd.DataFrame([ordinary] * 9 + [gone, busy])
    codes = reason_codes(fitted, rows)
    assert codes[:9] == [[]] * 9
    assert codes[9:] == [["+days_since_last_event"], ["-n_events_28d"]]


def test_long_tables_go_in_parts(fitted: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reason_codes(fitted, FRAME[COLUMNS][:50])
    monkeypatch.setattr(reasons, "ROWS_AT_ONCE", 7)
    assert reason_codes(fitted, FRAME[COLUMNS][:50]) == whole
    assert any(whole)


def test_a_model_that_looks_at_nothing_gives_no_reason() -> None:
    model = churn.fit("majority", FRAME[COLUMNS], LABELS)
    assert reason_codes(model, FRAME[COLUMNS]) == [[]] * len(FRAME)
