"""How a model does on people whose outcome is known by now, and how it must be doing where none is known yet.

The first is measured: published predictions beside labels that came a horizon later. The second is estimated from the
probabilities alone, which holds as far as they are calibrated (CBPE: Garbe et al., NannyML, 2022): each row counts as a
leaver by its probability and as a stayer by the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.evaluation import Outcomes, ranking
from ml.intervals import Figure, Floats, figure, subject_counts

if TYPE_CHECKING:
    import psycopg

MIN_ROWS = 200
N_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Performance:
    """The AUC of a version on one cutoff's published predictions, by labels that came later; no figure under 200 rows.

    A cutoff whose labels change, because events came late, is measured again: nothing is kept that could be stale.
    """

    version: int
    cutoff_on: date
    n_rows: int
    auc: Figure | None

    @property
    def is_known(self) -> bool:
        return self.auc is not None and bool(np.isfinite(self.auc.low))


def estimated_auc(probability: Floats) -> float | None:
    """The AUC that calibrated probabilities (n,) imply; None under MIN_ROWS rows."""
    if len(probability) < MIN_ROWS:
        return None
    outcomes = Outcomes(probability.astype(np.float64), np.zeros(len(probability), dtype=np.int64), 1)
    return float(ranking(outcomes, probability, np.ones((1, 1)))[0][0])


def measured(rows: pd.DataFrame, version: int) -> list[Performance]:
    """One figure a cutoff, oldest first. rows: cutoff_on, subject, probability, is_churned of one version."""
    found = []
    for cutoff_on in sorted(set(rows["cutoff_on"])):
        part = rows[rows["cutoff_on"] == cutoff_on]
        auc = _auc(part) if len(part) >= MIN_ROWS and part["is_churned"].nunique() == 2 else None
        found.append(Performance(version, cutoff_on, len(part), auc))
    return found


def fetch_outcomes(conn: psycopg.Connection[Any], model: str, version: int) -> pd.DataFrame:
    """Published predictions of a version with the labels that are known by now: cutoff_on, subject, both values."""
    rows = conn.execute(
        "select p.cutoff_on, p.subject, p.probability, l.is_churned from ml.predictions p"
        " join features.lbl_user_churn l on l.cutoff_on = p.cutoff_on and l.subject = p.subject"
        " where p.model_name = %s and p.model_version = %s and p.state = 'published' and l.is_churned is not null",
        (model, version),
    ).fetchall()
    return pd.DataFrame(rows, columns=["cutoff_on", "subject", "probability", "is_churned"])


def _auc(rows: pd.DataFrame) -> Figure:
    outcomes = Outcomes.of(rows["is_churned"].to_numpy(np.bool_), rows["subject"].to_numpy(object))
    scores = rows["probability"].to_numpy(np.float64)
    everyone = np.ones((1, outcomes.n_subjects))
    counts = subject_counts(outcomes.n_subjects, N_RESAMPLES, 0)
    point = float(ranking(outcomes, scores, everyone)[0][0])
    return figure(point, ranking(outcomes, scores, counts)[0])
