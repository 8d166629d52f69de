"""From a training set to a federated model: companies as silos, rounds, comparison. Noise comes from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.federated import silos, training
from ml.federated.aggregation import Aggregate
from ml.federated.comparison import Comparison, compare
from ml.federated.errors import FederatedInputError
from ml.federated.local import Rows
from ml.federated.messages import LEAST_SILOS
from ml.federated.model import LinearModel, require_columns
from ml.federated.protection import Noise
from ml.federated.shamir import Entropy
from ml.federated.training import Plan, Trained
from ml.journal import Entry, Event, Journal
from ml.measurement import LaterRows, later_rows, learning_rows
from ml.training_sets import TrainingSet

MODEL = "churn (federated)"


@dataclass(frozen=True, slots=True)
class Federation:
    """What came of a training, beside what all rows together and each silo alone come to."""

    model: LinearModel
    n_silos: int
    n_rows: int
    n_left_out: int
    threshold: int
    n_gone: int
    comparison: Comparison


def silos_of(training_set: TrainingSet) -> dict[int, Rows]:
    """The companies of a training set as silos. Raises FederatedInputError where there are too few."""
    features, labels, subjects, _ = learning_rows(training_set)
    companies = _companies_of_learning_rows(training_set)
    found = silos.by_company(features, training_set.columns, labels, subjects, companies)
    if len(found) < LEAST_SILOS:
        raise FederatedInputError(
            f"{len(found)} companies have {silos.LEAST_PEOPLE} people to learn from; secure aggregation needs "
            f"{LEAST_SILOS} of them. Import the log of more companies"
        )
    return found


def one_silo(training_set: TrainingSet, columns: tuple[str, ...]) -> Rows:
    """All rows that a home learns from as the rows of one silo. Raises FederatedInputError for a missing feature."""
    features, labels, subjects, _ = learning_rows(training_set)
    require_columns(tuple(c for c in columns if c in features.columns), columns)
    people = np.unique(subjects.astype(str), return_inverse=True)[1]
    return Rows(features[list(columns)].to_numpy(np.float64), labels.astype(np.float64), people)


def federate(
    training_set: TrainingSet, plan: Plan, journal: Journal, *, entropy: Entropy, noise: Noise | None = None,
    progress: Callable[[str], None],
) -> Federation:  # fmt: skip
    """Train over the companies of a training set and compare. Raises FederatedError; failures are journaled."""
    rows = silos_of(training_set)
    journal.write(_started(training_set, plan, len(rows)))
    try:
        trained = training.train(
            silos.members(rows, entropy, plan.protection, noise), plan, entropy(16), _telling(progress, plan)
        )
    except BaseException as error:
        journal.write(
            Entry(Event.TRAINING_FAILED, training_set.training_set_id, MODEL, "No model", type(error).__name__)
        )
        raise
    found = judged(training_set, trained, rows)
    journal.write(_measured(training_set, found))
    return found


def judged(training_set: TrainingSet, trained: Trained, rows: dict[int, Rows]) -> Federation:
    """A trained model with its comparison."""
    later = later_rows(training_set)
    n_rows = sum(len(silo.labels) for silo in rows.values())
    n_gone = sum(len(left) for left in trained.gone)
    comparison = compare(training_set, trained.model, rows, later, own_rows(training_set, later))
    n_left_out = len(learning_rows(training_set)[1]) - n_rows
    return Federation(trained.model, len(rows), n_rows, n_left_out, trained.threshold, n_gone, comparison)


def own_rows(training_set: TrainingSet, later: LaterRows) -> dict[int, NDArray[np.bool_]]:
    """Which later rows belong to which silo: (n,) of truth values by number."""
    _, _, subjects, _ = learning_rows(training_set)
    numbers = silos.numbered(_companies_of_learning_rows(training_set), subjects)
    companies = later.features["company"].to_numpy(object)
    return {number: companies == company for company, number in numbers.items()}


def _companies_of_learning_rows(training_set: TrainingSet) -> NDArray[np.object_]:
    train = training_set.split.train
    if training_set.policy.exclude_bots:
        train = train[~train["is_bot"].to_numpy(np.bool_)]
    return train["company"].to_numpy(object)


def _telling(progress: Callable[[str], None], plan: Plan) -> Callable[[int, Aggregate], None]:
    def report(number: int, found: Aggregate) -> None:
        left = f"; {len(found.gone)} left" if found.gone else ""
        progress(f"round {number} of {plan.rounds}: {len(found.survivors)} silos answered{left}")

    return report


def _started(training_set: TrainingSet, plan: Plan, n_silos: int) -> Entry:
    how = "averages of their local updates" if plan.method == "update" else "averages of their gradients"
    private = f", each {plan.protection.unit} hidden by noise" if plan.protection else ""
    reasoning = f"{n_silos} companies keep their rows; the server sees {how} under masks{private}."
    figures = {"silos": n_silos, "rounds": plan.rounds}
    return Entry(Event.TRAINING_STARTED, training_set.training_set_id, MODEL, "Federated training", reasoning, figures)


def _measured(training_set: TrainingSet, found: Federation) -> Entry:
    c = found.comparison
    reasoning = (
        f"AUC {c.federated} on later rows; {c.central.value:.4f} with all rows in one place, {c.local_only:.4f} where "
        f"each of {found.n_silos} companies trains alone. {found.n_gone} answers were missing over all rounds."
    )
    figures = {"auc": c.federated.value, "auc_central": c.central.value, "auc_local_only": c.local_only}
    return Entry(Event.MODEL_EVALUATED, training_set.training_set_id, MODEL, "Measured", reasoning, figures)
