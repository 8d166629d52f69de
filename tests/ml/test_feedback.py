"""Ratings and outcomes of published predictions: joined, kept as they became known, and past figures corrected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

from ml import feedback
from ml.feedback import FeedbackInputError, Rating, UnknownPredictionError
from ml.service import ModelTrainingService
from tests.ml.synthetic import AT
from warehouse.database import Database

DAY = date(2026, 1, 5)
N_PEOPLE = 400
pytestmark = [pytest.mark.integration]


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """Published predictions of 400 people, one pending, and the labels of 300: high probabilities leave."""
    with database.connect("dbt") as dbt:
        dbt.execute("create table features.lbl_user_churn (cutoff_on date, subject text, is_churned boolean)")
        _label(dbt, "n % 3 = 0", "n < 300")
    with database.connect("ml") as opened:
        opened.execute(
            "insert into ml.predictions select 'churn', 1, %s, 's' || n, (case when n %% 3 = 0 then .6 else .2 end)"
            " + (n %% 50) / 100.0, 'published', %s from generate_series(0, %s) n",
            (DAY, AT, N_PEOPLE - 1),
        )
        opened.execute("insert into ml.predictions values ('churn', 1, %s, 'pending', .5, 'pending', %s)", (DAY, AT))
        opened.commit()
        yield opened


def _label(dbt: psycopg.Connection[Any], is_churned: str, which: str) -> None:
    dbt.execute(
        f"insert into features.lbl_user_churn select date '{DAY}', 's' || n, {is_churned}"
        f" from generate_series(0, {N_PEOPLE - 1}) n where {which}".encode()
    )
    dbt.commit()


def test_a_rating_is_joined_to_its_prediction_and_kept_once(conn: psycopg.Connection[Any], database: Database) -> None:
    service = ModelTrainingService(lambda: database.connect("ml"), None, lambda: AT)  # type: ignore[arg-type]
    for _ in range(2):
        service.record_feedback("churn", 1, Rating("s7", DAY, 4.0, "portal"))
    kept = conn.execute("select subject, kind, source, value, noted_at from ml.model_feedback").fetchall()
    assert kept == [("s7", "rating", "portal", 4.0, AT)]


@pytest.mark.parametrize(
    ("version", "subject", "day"),
    [(1, "nobody", DAY), (2, "s7", DAY), (1, "s7", DAY + timedelta(days=7)), (1, "pending", DAY)],
)
def test_a_rating_of_no_published_prediction_is_refused(
    conn: psycopg.Connection[Any], version: int, subject: str, day: date
) -> None:
    with pytest.raises(UnknownPredictionError, match="no published prediction"):
        feedback.record_rating(conn, "churn", version, Rating(subject, day, 4.0, "portal"), AT)


@pytest.mark.parametrize("value", [0.0, 5.5, float("nan")])
def test_a_rating_off_the_scale_is_refused(conn: psycopg.Connection[Any], value: float) -> None:
    with pytest.raises(FeedbackInputError, match="between 1 and 5"):
        feedback.record_rating(conn, "churn", 1, Rating("s7", DAY, value, "portal"), AT)


def test_labels_that_come_late_or_change_correct_the_figure_and_leave_the_old_one(
    conn: psycopg.Connection[Any], database: Database
) -> None:
    assert feedback.observe_outcomes(conn, "churn", 1, AT) == 300
    assert feedback.observe_outcomes(conn, "churn", 1, AT + timedelta(days=1)) == 0, "the same labels again"
    with database.connect("dbt") as dbt:
        dbt.execute("update features.lbl_user_churn set is_churned = not is_churned where subject in ('s0', 's1')")
        _label(dbt, "n % 3 <> 0", "n >= 300")
    assert feedback.observe_outcomes(conn, "churn", 1, AT + timedelta(days=7)) == 102
    history = feedback.fetch_history(conn, "churn", 1)
    (item,) = feedback.corrections(history, 1)
    assert (item.first.n_rows, item.now.n_rows) == (300, 400)
    assert (item.n_late, item.n_changed) == (100, 2)
    assert item.first.auc is not None
    assert item.now.auc is not None
    assert item.first.auc.value > item.now.auc.value + 0.1
    assert feedback.corrections(history[:0], 1) == []


def test_the_newest_outcome_by_a_moment_counts_in_any_order_of_rows() -> None:
    rows = pd.DataFrame({
        "cutoff_on": DAY, "subject": ["a", "a", "b"], "probability": 0.5, "is_churned": [False, True, True],
        "noted_at": [AT, AT + timedelta(days=1), AT + timedelta(days=2)],
    })  # fmt: skip
    for seed in range(3):
        shuffled = rows.sample(frac=1, random_state=np.random.default_rng(seed))
        found = feedback.known_by(shuffled, AT + timedelta(days=1))
        assert found[["subject", "is_churned"]].to_numpy().tolist() == [["a", True]]
        assert feedback.known_by(shuffled, AT)["is_churned"].tolist() == [False]
