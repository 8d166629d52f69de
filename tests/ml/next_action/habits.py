"""Sessions of people with habits, made from a seed: a chain of steps, or one in which an earlier step decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd

from ml.next_action.sessions import BETWEEN, COLUMNS, StepPolicy, StepSet, freeze
from tests.ml.synthetic import provenance
from warehouse.database import Database

FIRST = date(2024, 1, 1)  # a Monday
N_DAYS = 84
STEPS = ("open", "read", "write", "save", "share", "close")
POLICY = StepPolicy(cutoff_on=FIRST + timedelta(days=N_DAYS))
FIXED = ("open", "write", "save", "close")
SECRET = "visit_the_shared_doctor"  # a step of four people: one too few


def rows(n_people: int = 160, n_sessions: int = 14, *, second_order: bool = False, seed: int = 0) -> pd.DataFrame:
    """n_people x n_sessions rows as ml.next_action.sessions.fetch gives them."""
    draw = np.random.default_rng(seed)
    found = []
    for person in range(n_people):
        days = np.sort(draw.choice(N_DAYS, n_sessions, replace=False))
        for day in days.tolist():
            steps = _remembering(draw) if second_order else _chained(draw)
            if person < 4 and day < N_DAYS // 2:
                steps = [*steps, SECRET]
            on = FIRST + timedelta(days=day)
            at = datetime.combine(on, time(9), UTC) + timedelta(minutes=person)
            found.append((f"u_{person:04d}", at, on, on, BETWEEN.join(steps), person == n_people - 1))
    return pd.DataFrame(found, columns=list(COLUMNS))


def turned_round(sessions: pd.DataFrame, before: date) -> pd.DataFrame:
    """The sessions before a day backwards: what is learned from them is wrong later."""
    told = [
        BETWEEN.join(reversed(text.split(BETWEEN))) if on < before else text
        for on, text in zip(sessions["started_on"], sessions["steps"], strict=True)
    ]
    return sessions.assign(steps=told)


def step_set(sessions: pd.DataFrame | None = None, policy: StepPolicy = POLICY) -> StepSet:
    return freeze(rows() if sessions is None else sessions, policy, provenance())


def store(database: Database, sessions: pd.DataFrame) -> None:
    """What dbt would have built of the sessions, written by the dbt role; the flag of bots as features have it."""
    steps = [
        (row.subject, row.session_started_at, row.started_on, row.known_on, no, step)
        for row in sessions.itertuples()
        for no, step in enumerate(str(row.steps).split(BETWEEN), 1)
    ]
    bots = sessions.drop_duplicates("subject")[["subject", "is_bot"]]
    with database.connect("dbt") as conn:
        conn.execute(
            "create table if not exists features.ftr_user_sequences (subject text, session_started_at timestamptz,"
            " started_on date, known_on date, step_no int, action text)"
        )
        conn.execute(
            "create table if not exists features.ftr_user_weekly (cutoff_on date, subject text, is_bot boolean)"
        )
        with conn.cursor().copy("copy features.ftr_user_sequences from stdin") as copy:
            for step in steps:
                copy.write_row(step)
        for subject, is_bot in bots.itertuples(index=False):
            conn.execute(
                "insert into features.ftr_user_weekly values (%s, %s, %s)", (POLICY.cutoff_on, subject, bool(is_bot))
            )


def _chained(draw: np.random.Generator) -> list[str]:
    """After each step mostly the one that follows it in STEPS."""
    at, steps = 0, ["open"]
    for _ in range(int(draw.integers(3, 8))):
        at = (at + 1) % len(STEPS) if draw.random() < 0.7 else int(draw.integers(len(STEPS)))
        steps.append(STEPS[at])
    return steps


def _remembering(draw: np.random.Generator) -> list[str]:
    """What comes last is what came first; between them is chance, so the step before says nothing."""
    first = str(draw.choice(["read", "write", "share"]))
    return [first, "open", first, "save", "open" if draw.random() < 0.5 else "close", first]
