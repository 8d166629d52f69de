"""The next-action model on later sessions: beside the next cheaper one, by slice, and how sure it is.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml import ranks
from ml.evaluation import Outcomes, calibration_curve
from ml.families.behaviour import QUESTIONS_AT_ONCE, Questions, Sessions, StepModel, questions
from ml.families.next_step import MarkovChain, NextStep
from ml.families.recurrent import RecurrentNextStep
from ml.families.result import mean_figure, mean_of, paired
from ml.families.step_tables import Steps, places_in
from ml.intervals import N_RESAMPLES, Codes, Figure, Floats, encode, figure, subject_counts
from ml.membership import Membership
from ml.next_action.sessions import StepSet
from ml.slices import Slice

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

METRIC = "mrr"  # of which the policy's name is MRR
KS = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of one decision (n,), and the rows (n,) of each slice."""

    questions: Questions
    slices: Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Answers:
    """The place of each wanted step (n,), the probability of the step told first, and whether that one was taken."""

    places: Codes
    confidence: Floats
    is_right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Beside:
    """A measure of the model, of another, and the difference, paired over people."""

    model: Figure
    other: Figure
    gain: Figure


@dataclass(frozen=True, slots=True)
class UsualSteps:
    """What asks for no learning: steps in the order of how often they are taken, whatever came before."""

    names_: list[str]
    shares_: Floats

    def log_probabilities(self, begun: Sequence[Steps]) -> Floats:
        return np.tile(np.log(self.shares_), (len(begun), 1))


@dataclass(frozen=True, slots=True)
class Report:
    """What is stated of a model: each measure beside the baseline's, calibration, slices, and what it gives away.

    baseline: the next cheaper model. ece: of the probability of the step told first.
    """

    baseline: str
    n_asked: int
    n_people: int
    measures: Mapping[str, Beside]
    ece: float
    slices: tuple[Slice, ...]
    membership: Membership | None


def step_model(pipeline: Pipeline) -> NextStep | MarkovChain | RecurrentNextStep:
    """The estimator that a next-action pipeline ends with."""
    model = pipeline[-1]
    if not isinstance(model, NextStep | MarkovChain | RecurrentNextStep):
        raise TypeError(f"the pipeline ends with a {type(model).__name__}, which tells no next steps")
    return model


def sessions_of(rows: pd.DataFrame) -> Sessions:
    """Rows of a StepSet as sequences and whose each is."""
    return Sessions(list(rows["steps"]), rows["subject"].to_numpy(object))


def asked_of(training_set: StepSet) -> Asked:
    """Every next step of the later sessions, by how much of the session is known, and by who was learned from."""
    later = sessions_of(training_set.later)
    asked = questions(later.steps, later.people)
    sizes = np.array([len(steps) for steps in asked.begun], dtype=np.int64)
    is_known = np.isin(asked.units.astype(str), training_set.known["subject"].to_numpy(str))
    return Asked(
        asked,
        {
            "after one step": sizes == 1,
            "after two or three steps": (sizes > 1) & (sizes < 4),
            "after four steps or more": sizes > 3,
            "people learned from": is_known,
            "people not learned from": ~is_known,
        },
    )


def answers(model: StepModel, asked: Questions) -> Answers:
    """What a model says to each question."""
    wanted = places_in(model.names_, np.array(asked.wanted, dtype=str))
    places, surest, firsts = list[Codes](), list[Floats](), list[Codes]()
    for start in range(0, len(wanted), QUESTIONS_AT_ONCE):
        part = slice(start, start + QUESTIONS_AT_ONCE)
        told = model.log_probabilities(asked.begun[part])
        places.append(ranks.places(told, wanted[part]))
        surest.append(np.exp(told.max(axis=1)))
        firsts.append(told.argmax(axis=1))
    return Answers(np.concatenate(places), np.concatenate(surest), np.concatenate(firsts) == wanted)


def measure(asked: Asked, ours: Answers, baseline: tuple[str, Answers], told: Membership | None) -> Report:
    """Everything the report states, from what the model and a named baseline answered."""
    units = asked.questions.units
    slices = (_slice(name, rows, ours.places, units) for name, rows in asked.slices.items() if rows.any())
    return Report(
        baseline=baseline[0],
        n_asked=len(units),
        n_people=len(np.unique(units.astype(str))),
        measures=beside(ours.places, baseline[1].places, units),
        ece=expected_error(ours),
        slices=tuple(slices),
        membership=told,
    )


def beside(ours: Codes, theirs: Codes, units: NDArray[np.object_]) -> dict[str, Beside]:
    """Every measure of two models on the same questions (n,), with 95 % bootstrap intervals over people."""
    codes, n_units = encode(units)
    rows = np.column_stack([v for p in (ours, theirs) for v in ranks.measures(p, KS).values()])
    sums = np.stack([np.bincount(codes, column, n_units) for column in rows.T], axis=1)
    counts = subject_counts(n_units, N_RESAMPLES)
    spread = (counts @ sums) / (counts @ np.bincount(codes, minlength=n_units))[:, None]
    points, names = rows.mean(axis=0), list(ranks.measures(ours, KS))
    return {
        name: Beside(
            figure(points[at], spread[:, at]), figure(points[other], spread[:, other]),
            figure(points[at] - points[other], spread[:, at] - spread[:, other]),
        )
        for at, other, name in zip(range(len(names)), range(len(names), 2 * len(names)), names, strict=True)
    }  # fmt: skip


def gain(ours: Codes, theirs: Codes, units: NDArray[np.object_]) -> Figure:
    """The MRR of one model less another's on the same questions (n,), paired over people."""
    strong, other = (mean_of(ranks.reciprocals(places), units) for places in (ours, theirs))
    return paired(strong, other, len(np.unique(units.astype(str))))[2]


def expected_error(ours: Answers) -> float:
    """How far the probability of the step told first is from how often it is taken, on average over ten bins."""
    outcomes = Outcomes(ours.is_right.astype(np.float64), np.zeros(len(ours.is_right), dtype=np.int64), 1)
    points = np.array(calibration_curve(outcomes, ours.confidence))
    return float(np.average(np.abs(points[:, 0] - points[:, 1]), weights=points[:, 2]))


def _slice(name: str, rows: NDArray[np.bool_], places: Codes, units: NDArray[np.object_]) -> Slice:
    people, right = units[rows], places[rows]
    value = mean_figure(ranks.reciprocals(right), people)
    return Slice(name, len(right), len(np.unique(people.astype(str))), int((right == 1).sum()), value)
