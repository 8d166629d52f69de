"""The likeliest next steps of everybody who was there lately: out of their newest session, into ml.recommendations.

Importing this imports scikit-learn; import it where it is used. Whether anybody is shown a row is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.families.behaviour import QUESTIONS_AT_ONCE
from ml.families.step_tables import Steps, places_in
from ml.families.terms import K_PEOPLE
from ml.next_action.measures import step_model
from ml.next_action.sessions import BETWEEN, PURPOSE, SOURCE
from ml.taint import OverdueModelError, require_current

if TYPE_CHECKING:
    import psycopg

    from ml.families.behaviour import StepModel
    from ml.registry import Registry

N_STEPS = 3
# Steps that happen to a person; they are learned from, and nobody is recommended one.
NEVER = frozenset({"error", "warning", "metrics", "failed_login"})
NEWEST_DAYS = 28
NEWEST = f"""
with newest as (
    select distinct on (subject) subject, session_started_at from {SOURCE}
    where started_on >= %s and started_on < %s order by subject, session_started_at desc
)
select s.subject, string_agg(s.action, '{BETWEEN}' order by s.step_no)
from {SOURCE} s join newest using (subject, session_started_at)
where s.started_on >= %s and not exists (
    select from features.ftr_user_weekly w where w.subject = s.subject and w.is_bot and w.cutoff_on >= %s
)
group by s.subject order by s.subject collate "C"
"""


@dataclass(frozen=True, slots=True)
class Recommended:
    """What was stored, without a row of a person. firsts: step -> people to whom it is the likeliest."""

    model_version: int
    cutoff_on: date
    n_people: int
    n_rows: int
    median_score: float
    firsts: tuple[tuple[str, int], ...]

    def table(self, most: int = 10) -> str:
        """Steps that most people are told first as a Markdown table; none of fewer than K_PEOPLE."""
        shown = [(step, n) for step, n in self.firsts if n >= K_PEOPLE][:most]
        return "\n".join(["| step | people |", "|---|---:|", *(f"| `{step}` | {n:,} |" for step, n in shown)])


Row = tuple[str, int, str, float]  # subject, place from 1, step, probability


def refresh(
    conn: psycopg.Connection[Any], registry: Registry, *, at: datetime, consent_basis: str
) -> Recommended | str:
    """Replace what is stored by what the champion says of newest sessions; why nothing is, where nothing may be.

    Without a champion, or with one whose time is over (it learnt from somebody who is gone), rows are taken away.
    Raises an ArtefactError where the champion's file is not what was registered.
    """
    version = registry.champion()
    why = f"{registry.name} has no champion" if version is None else _overdue(registry, version, at)
    newest = None if why else newest_day(conn)
    if version is None or newest is None:
        replace(conn, [], ())
        return why or f"{SOURCE} holds no session"
    subjects, begun = fetch(conn, newest)
    rows = told(step_model(registry.load_version(version).pipeline), subjects, begun)
    cutoff_on = newest + timedelta(days=1)
    replace(conn, rows, (cutoff_on, registry.name, version, PURPOSE, consent_basis, at))
    firsts = [(step, score) for _, place, step, score in rows if place == 1]
    median = float(np.median([score for _, score in firsts])) if firsts else float("nan")
    return Recommended(
        version, cutoff_on, len(firsts), len(rows), median, tuple(Counter(step for step, _ in firsts).most_common())
    )


def newest_day(conn: psycopg.Connection[Any]) -> date | None:
    """The newest day on which a session began; None without any."""
    built = conn.execute("select to_regclass(%s)", [SOURCE]).fetchone()
    if built is None or built[0] is None:
        return None
    row = conn.execute(f"select max(started_on) from {SOURCE}".encode()).fetchone()
    return row[0] if row else None


def fetch(conn: psycopg.Connection[Any], newest: date) -> tuple[list[str], list[Steps]]:
    """People who were there in the NEWEST_DAYS up to a day, no bots, and the steps of each one's newest session."""
    since = newest - timedelta(days=NEWEST_DAYS - 1)
    found = conn.execute(NEWEST.encode(), (since, newest + timedelta(days=1), since, since)).fetchall()
    return [subject for subject, _ in found], [[step for step, _ in groupby(t.split(BETWEEN))] for _, t in found]


def told(model: StepModel, subjects: Sequence[str], begun: Sequence[Steps]) -> list[Row]:
    """The N_STEPS likeliest next steps after each beginning, but for NEVER and the step that was just taken."""
    rows, never = list[Row](), [name in NEVER for name in model.names_]
    for start in range(0, len(begun), QUESTIONS_AT_ONCE):
        some = begun[start : start + QUESTIONS_AT_ONCE]
        chances = np.exp(model.log_probabilities(some))
        ranked = np.where(never, -1.0, chances)
        last = places_in(model.names_, np.array([steps[-1] for steps in some], dtype=str))
        ranked[np.flatnonzero(last >= 0), last[last >= 0]] = -1.0
        best = np.argsort(-ranked, axis=1, kind="stable")[:, :N_STEPS]
        for at, steps in enumerate(best):
            allowed = [step for step in steps if ranked[at, step] >= 0]
            rows += [
                (subjects[start + at], place, model.names_[step], float(chances[at, step]))
                for place, step in enumerate(allowed, 1)
            ]
    return rows


def replace(conn: psycopg.Connection[Any], rows: Sequence[Row], same: tuple[object, ...]) -> None:
    """Replace everything stored, in one transaction; `same` is what all rows share."""
    statement = (
        "copy ml.recommendations (subject, place, action, score, cutoff_on, model_name, model_version, purpose,"
        " consent_basis, recommended_at) from stdin"
    )
    with conn.transaction():
        conn.execute("delete from ml.recommendations")
        with conn.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row((*row, *same))
    conn.commit()


def _overdue(registry: Registry, version: int, at: datetime) -> str | None:
    try:
        require_current(registry, version, at)
    except OverdueModelError as late:
        return str(late)
    return None
