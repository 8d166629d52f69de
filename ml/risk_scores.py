"""Risk of fraud and automation of everybody at the newest cutoff: out of the fraud features, into ml.risk_scores.

The score is fitted anew each time and kept nowhere, so no model remembers anybody. Nothing acts on a score by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import psycopg

    from ml.families.risk import Reason
    from ml.intervals import Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """Risk (n,) of people at a cutoff, the limit from which somebody should look, and reasons of those above it."""

    cutoff_on: date
    subjects: list[str]
    risk: Floats
    limit: float
    reasons: dict[int, tuple[Reason, ...]]

    @property
    def n_flagged(self) -> int:
        return len(self.reasons)

    def kinds(self) -> dict[str, int]:
        """How many flagged people have each kind of sign as their first reason."""
        firsts = [found[0].kind for found in self.reasons.values() if found]
        return {kind: firsts.count(kind) for kind in sorted(set(firsts))}


def rescore(conn: psycopg.Connection[Any], *, scored_at: datetime) -> Scored:
    """Score the newest cutoff and replace what is stored, in one transaction. Raises ml.families.risk.NoSignsError."""
    scored = score(*fetch(conn))
    write(conn, scored, scored_at)
    return scored


def fetch(conn: psycopg.Connection[Any]) -> tuple[date, list[str], pd.DataFrame]:
    """The newest cutoff, its people in order, and their signs. Raises NoSignsError where there is none."""
    from ml.families.risk import SIGNS, NoSignsError

    found = conn.execute("select to_regclass('features.ftr_user_fraud_weekly')").fetchone()
    if found is None or found[0] is None:  # LETHE_DBT_SELECT may leave it out
        raise NoSignsError("features.ftr_user_fraud_weekly is not built; select it for dbt to score risk")
    rows = conn.execute(
        f"select cutoff_on, subject, {', '.join(SIGNS)} from features.ftr_user_fraud_weekly"
        " where cutoff_on = (select max(cutoff_on) from features.ftr_user_fraud_weekly) order by subject"
    ).fetchall()
    if not rows:
        raise NoSignsError("features.ftr_user_fraud_weekly is empty: nobody agreed to model training")
    signs = pd.DataFrame([row[2:] for row in rows], columns=list(SIGNS), dtype="float64")
    return rows[0][0], [row[1] for row in rows], signs


def score(cutoff_on: date, subjects: list[str], signs: pd.DataFrame) -> Scored:
    """Everybody's risk, and the reasons of those whom the score flags."""
    from ml.families.risk import RiskScore

    model = RiskScore().fit(signs)
    risk = model.decision_function(signs)
    flagged = np.flatnonzero(risk >= model.threshold_)
    reasons = model.reasons(signs.iloc[flagged])
    return Scored(cutoff_on, subjects, risk, model.threshold_, dict(zip(flagged.tolist(), reasons, strict=True)))


def write(conn: psycopg.Connection[Any], scored: Scored, scored_at: datetime) -> None:
    """Replace what is stored of the cutoff; older cutoffs go with their term."""
    with conn.transaction():
        conn.execute("delete from ml.risk_scores where cutoff_on = %s", [scored.cutoff_on])
        statement = "copy ml.risk_scores (cutoff_on, subject, risk, is_flagged, reasons, scored_at) from stdin"
        with conn.cursor().copy(statement) as copy:
            for at, (subject, risk) in enumerate(zip(scored.subjects, scored.risk.tolist(), strict=True)):
                row = (scored.cutoff_on, subject, risk, at in scored.reasons, _told(scored.reasons.get(at, ())))
                copy.write_row((*row, scored_at))
    conn.commit()


def _told(reasons: Sequence[Reason]) -> str:
    return json.dumps([asdict(reason) | {"part": round(reason.part, 3)} for reason in reasons])
