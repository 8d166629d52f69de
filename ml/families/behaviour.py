"""The behaviour family on held-out rows: what is asked, where the answer stands, and strong beside baseline.

Next steps are asked of sessions, next items of people's sets. No tables, no registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml import ranks
from ml.families.next_step import MarkovChain, NextStep
from ml.families.result import FamilyResult, mean_of, paired
from ml.families.step_tables import Steps, places_in
from ml.families.terms import People
from ml.intervals import Codes, Floats

METRIC = "ndcg_10"
FAMILY = "behaviour"
ORDERS = (1, 2, 3, 4)
VALIDATION_SHARE = 0.2  # of the people learned from
QUESTIONS_AT_ONCE = 512


class TooFewSessionsError(Exception):
    """Nothing to learn from before the date, or nothing to test on after it."""


class StepModel(Protocol):
    """What tells next steps."""

    @property
    def names_(self) -> list[str]: ...

    def log_probabilities(self, begun: Sequence[Steps]) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Questions:
    """Beginnings (n,), the step that followed each (n,), and whose each is (n,)."""

    begun: Sequence[Steps]
    wanted: list[str]
    units: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sequences of steps (n,) and whose each is (n,)."""

    steps: Sequence[Steps]
    people: NDArray[np.object_]

    def of(self, rows: NDArray[np.bool_]) -> Sessions:
        """Those of the rows (n,) alone."""
        return Sessions([self.steps[int(at)] for at in np.flatnonzero(rows)], self.people[rows])


def questions(sequences: Sequence[Steps], people: People = None, *, last_only: bool = False) -> Questions:
    """Every step after the first as a question, or the last of each sequence only; people (n,) as while fitting."""
    begun, wanted, units = list[Steps](), list[str](), list[object]()
    for row, steps in enumerate(sequences):
        for at in range(max(1, len(steps) - 1) if last_only else 1, len(steps)):
            begun.append(steps[:at])
            wanted.append(steps[at])
            units.append(row if people is None else people[row])
    return Questions(begun, wanted, np.array(units, dtype=object))


def places_of(model: StepModel, asked: Questions) -> Codes:
    """The place of each wanted step among all that the model knows (n,)."""
    wanted = places_in(model.names_, np.array(asked.wanted, dtype=str))
    starts = range(0, len(wanted), QUESTIONS_AT_ONCE)
    parts = [slice(start, start + QUESTIONS_AT_ONCE) for start in starts]
    found = [ranks.places(model.log_probabilities(asked.begun[part]), wanted[part]) for part in parts]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def compared(
    strong: Codes, baseline: Codes, units: NDArray[np.object_], names: tuple[str, str],
    chosen: Mapping[str, float | str], protocol: str,
) -> FamilyResult:  # fmt: skip
    """The family's result from the places (n,) that both gave the same wanted items: NDCG@10, the rest as guards."""
    ours, theirs, n_units = ranks.measures(strong), ranks.measures(baseline), len(np.unique(units.astype(str)))
    found = {m: paired(mean_of(ours[m], units), mean_of(theirs[m], units), n_units) for m in ours}
    guards = {m: figures[0] for m, figures in found.items() if m != METRIC}
    guards |= {f"{m} gain": figures[2] for m, figures in found.items() if m != METRIC}
    return FamilyResult(
        FAMILY, METRIC, names[0], names[1], len(strong), n_units, *found[METRIC], protocol, guards, chosen
    )


def best_order(
    train: Sessions, validation: Sessions, orders: Sequence[int] = ORDERS
) -> tuple[int, Mapping[str, float]]:
    """The order whose NDCG@10 on validation sessions is highest, and that of each; the lower order at a tie."""
    asked = questions(validation.steps, validation.people)
    models = {order: NextStep(order).fit(train.steps, people=train.people) for order in orders}
    found = {order: float(ranks.gains(places_of(model, asked), 10).mean()) for order, model in models.items()}
    chosen = max(found, key=lambda order: (found[order], -order))
    return chosen, {f"{METRIC} of order {order}": value for order, value in found.items()}


def learn_next_action(rows: pd.DataFrame, test_from: date) -> tuple[NextStep, FamilyResult]:
    """The next-action model of rows of features.ftr_user_sequences, and what it says of sessions from test_from on.

    Learned from sessions known before test_from; the order is chosen on people left out of those. Repeats of a step
    count once. Raises TooFewSessionsError, or UnknownStepsError of step_language.
    """
    before, after = rows[rows["known_on"] < test_from], rows[rows["started_on"] >= test_from]
    if before.empty or after.empty:
        raise TooFewSessionsError(f"no session before {test_from}, or none after it; import more history")
    known, later = sessions_of(before), sessions_of(after)
    asked = questions(later.steps, later.people)
    if not asked.wanted:
        raise TooFewSessionsError(f"no session from {test_from} on has a second step; import more history")
    is_validation = left_out(known.people)
    order, chosen = best_order(known.of(~is_validation), known.of(is_validation))
    model = NextStep(order).fit(known.steps, people=known.people)
    chain = MarkovChain().fit(known.steps, people=known.people)
    names = (f"mixture of order {order}", "Markov chain")
    protocol = f"all next steps of sessions from {test_from} on, learned from sessions known before, full ranking"
    return model, compared(places_of(model, asked), places_of(chain, asked), asked.units, names, chosen, protocol)


def sessions_of(rows: pd.DataFrame) -> Sessions:
    """Sessions of rows of features.ftr_user_sequences, in order of person and time; a repeated step once."""
    ordered = rows.sort_values(["subject", "session_started_at", "step_no"], kind="stable")
    found, people = list[Steps](), list[str]()
    for (subject, _), part in ordered.groupby(["subject", "session_started_at"], sort=False):
        found.append([step for step, _ in groupby(part["action"])])
        people.append(str(subject))
    return Sessions(found, np.array(people, dtype=object))


def left_out(people: NDArray[np.object_]) -> NDArray[np.bool_]:
    """True for the rows (n,) of the people on whom settings are chosen: the same people wherever rows stand."""
    known = np.unique(people.astype(str))
    chosen = known[np.random.default_rng(0).random(len(known)) < VALIDATION_SHARE]
    return np.isin(people.astype(str), chosen)
