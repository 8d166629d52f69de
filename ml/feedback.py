"""Ratings and outcomes of predictions, kept as they became known, and what they change about past figures.

A label that comes late or changes adds a row: the figure that was known then can be told beside the one known now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.performance import Performance, measured

if TYPE_CHECKING:
    import psycopg

LABELS = "features.lbl_user_churn"
LOWEST, HIGHEST = 1.0, 5.0


class FeedbackInputError(Exception):
    """Feedback that cannot be taken as it was given."""


class UnknownPredictionError(FeedbackInputError):
    """Feedback on a prediction that is not published."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What somebody thinks of a prediction about a subject (a keyed id): 1 to 5, and where it was said."""

    subject: str
    cutoff_on: date
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Correction:
    """The figure of one cutoff as it was known first and as it is known now; n_changed: outcomes that differ."""

    first: Performance
    now: Performance
    n_late: int
    n_changed: int


def record_rating(conn: psycopg.Connection[Any], model: str, version: int, rating: Rating, at: datetime) -> None:
    """Keep a rating of a published prediction. Raises UnknownPredictionError or FeedbackInputError."""
    if not LOWEST <= rating.value <= HIGHEST:
        raise FeedbackInputError(f"a rating lies between {LOWEST:.0f} and {HIGHEST:.0f}; nothing was kept")
    with conn.transaction():
        kept = conn.execute(
            "insert into ml.model_feedback"
            " select model_name, model_version, cutoff_on, subject, 'rating', %s, %s, %s from ml.predictions"
            " where model_name = %s and model_version = %s and cutoff_on = %s and subject = %s"
            " and state = 'published' on conflict do nothing returning 1",
            (rating.source, rating.value, at, model, version, rating.cutoff_on, rating.subject),
        ).fetchone()
        known = (
            kept
            or conn.execute(
                "select 1 from ml.model_feedback where model_name = %s and model_version = %s and cutoff_on = %s"
                " and subject = %s and kind = 'rating' and source = %s and noted_at = %s",
                (model, version, rating.cutoff_on, rating.subject, rating.source, at),
            ).fetchone()
        )
    conn.commit()
    if not known:
        raise UnknownPredictionError(
            f"version {version} of {model} has no published prediction of {rating.cutoff_on} for whom this rates"
        )


def observe_outcomes(conn: psycopg.Connection[Any], model: str, version: int, at: datetime) -> int:
    """Keep the outcomes of published predictions that are new or differ from what was known; returns how many.

    The same labels again change nothing.
    """
    with conn.transaction():
        kept = conn.execute(
            "with known as (select distinct on (cutoff_on, subject) cutoff_on, subject, value from ml.model_feedback"
            " where model_name = %(model)s and model_version = %(version)s and kind = 'outcome'"
            " order by cutoff_on, subject, noted_at desc)"
            " insert into ml.model_feedback"
            " select p.model_name, p.model_version, p.cutoff_on, p.subject, 'outcome', %(source)s,"
            " l.is_churned::int, %(at)s from ml.predictions p"
            f" join {LABELS} l on l.cutoff_on = p.cutoff_on and l.subject = p.subject"
            " left join known k on k.cutoff_on = p.cutoff_on and k.subject = p.subject"
            " where p.model_name = %(model)s and p.model_version = %(version)s and p.state = 'published'"
            " and l.is_churned is not null and k.value is distinct from l.is_churned::int on conflict do nothing",
            {"model": model, "version": version, "source": LABELS, "at": at},
        ).rowcount
    conn.commit()
    return kept


def fetch_history(conn: psycopg.Connection[Any], model: str, version: int) -> pd.DataFrame:
    """Every outcome kept of published predictions: cutoff_on, subject, probability, is_churned, noted_at."""
    rows = conn.execute(
        "select f.cutoff_on, f.subject, p.probability, f.value = 1, f.noted_at from ml.model_feedback f"
        " join ml.predictions p using (model_name, model_version, cutoff_on, subject)"
        " where f.model_name = %s and f.model_version = %s and f.kind = 'outcome' and p.state = 'published'",
        (model, version),
    ).fetchall()
    return pd.DataFrame(rows, columns=["cutoff_on", "subject", "probability", "is_churned", "noted_at"])


def known_by(history: pd.DataFrame, moment: datetime) -> pd.DataFrame:
    """The newest outcome of each prediction among those noted by a moment, in order of cutoff and subject."""
    seen = history[history["noted_at"] <= moment].sort_values(["cutoff_on", "subject", "noted_at"])
    return seen.drop_duplicates(["cutoff_on", "subject"], keep="last").reset_index(drop=True)


def corrections(history: pd.DataFrame, version: int) -> list[Correction]:
    """Each cutoff as its outcomes were first noted and as they are now, oldest first; [] without outcomes."""
    return [_correction(rows, version) for _, rows in history.groupby("cutoff_on", sort=True)]


def _correction(rows: pd.DataFrame, version: int) -> Correction:
    before, now = (known_by(rows, moment) for moment in (rows["noted_at"].min(), rows["noted_at"].max()))
    both = now.merge(before, on="subject", suffixes=("", "_before"))
    return Correction(
        measured(before, version)[0], measured(now, version)[0],
        n_late=len(now) - len(before), n_changed=int((both["is_churned"] != both["is_churned_before"]).sum()),
    )  # fmt: skip
