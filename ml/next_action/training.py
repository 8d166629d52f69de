"""From a set of sessions to a measured, recorded next-action candidate. Gates and the registry live elsewhere.

Importing this imports scikit-learn; import it where it is used.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.families.next_step import MarkovChain, NextStep
from ml.gates import Comparison, ModelFacts
from ml.journal import Journal
from ml.membership import Membership
from ml.next_action import giving_away, record, rungs, telling, trial
from ml.next_action.measures import Answers, Asked, Report, answers, asked_of, measure, sessions_of, step_model
from ml.next_action.rungs import Ladder
from ml.next_action.sessions import SOURCE, StepSet
from ml.training import Progress, recorded
from ml.training_sets import digest_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ml.registry import Registry

RECIPE = 1  # raised where the same set would give another model


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained and measured model that no registry knows yet."""

    training_set: StepSet
    pipeline: Pipeline
    ladder: Ladder
    seconds: float
    asked: Asked
    ours: Answers
    report: Report

    source = SOURCE
    output = "string"

    @property
    def model(self) -> NextStep | MarkovChain:
        return step_model(self.pipeline)

    @property
    def rung(self) -> str:
        return self.ladder.chosen

    @property
    def inputs(self) -> dict[str, str]:
        return {"steps": "string"}

    def params(self) -> dict[str, str]:
        return record.params(self)

    def metrics(self) -> dict[str, float]:
        return record.metrics(self)

    def write_files(self, folder: Path, made_from: dict[str, str]) -> None:
        record.write_files(folder, self, made_from)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recorded model version with everything its promotion is decided on."""

    name: str
    version: int
    fitted: Fitted
    reused: bool

    @property
    def training_set(self) -> StepSet:
        return self.fitted.training_set

    def facts(self, registry: Registry) -> ModelFacts:
        return trial.facts_of(self, registry)

    def against_baseline(self) -> Comparison:
        return trial.against_baseline(self)

    def against(self, registry: Registry, champion: int) -> Comparison:
        return trial.against(self, registry, champion)


def train_candidate(training_set: StepSet, registry: Registry, journal: Journal, progress: Progress) -> Candidate:
    """Train, measure and record a model; a version already finished for this training set is taken again.

    Raises UnknownStepsError where no step was taken by enough people. A failure is journaled and raised.
    """
    key = training_key(training_set)
    if (finished := registry.finished(key)) is not None:
        progress(f"training set unchanged: version {finished} of {registry.name} is taken again")
        return Candidate(registry.name, finished, again(training_set, registry, finished), reused=True)
    fitted, version = recorded(lambda: fit_candidate(training_set, journal), key, training_set, registry, journal)
    progress(telling.evaluated(fitted.report))
    return Candidate(registry.name, version, fitted, reused=False)


def training_key(training_set: StepSet) -> str:
    """What a finished version is looked up by: the training set and the recipe that learns from it."""
    return digest_of({"set": training_set.digest, "recipe": RECIPE})


def fit_candidate(training_set: StepSet, journal: Journal) -> Fitted:
    """Compare the rungs on people left out, learn the chosen one from everybody, and measure it on later sessions."""
    known, began = sessions_of(training_set.known), time.monotonic()
    telling.started(journal, training_set)
    ladder = rungs.climb(known)
    pipeline = rungs.learn(ladder.chosen, known)
    told = giving_away.membership(known, ladder.chosen)
    fitted = measured(training_set, pipeline, ladder, told, time.monotonic() - began)
    telling.finished(journal, fitted)
    return fitted


def measured(
    training_set: StepSet, pipeline: Pipeline, ladder: Ladder, told: Membership | None, seconds: float
) -> Fitted:
    """The pipeline on the later sessions, beside the next cheaper rung learned from the same sessions."""
    known, asked = sessions_of(training_set.known), asked_of(training_set)
    ours = answers(step_model(pipeline), asked.questions)
    name, cheaper = rungs.cheaper(ladder.chosen, known)
    report = measure(asked, ours, (name, answers(cheaper, asked.questions)), told)
    return Fitted(training_set, pipeline, ladder, seconds, asked, ours, report)


def again(training_set: StepSet, registry: Registry, version: int) -> Fitted:
    """A finished version measured again; what was measured on the sessions learned from is in its facts."""
    loaded = registry.load_version(version)
    found: dict[str, Any] = dict(loaded.facts)
    told = Membership(**found["membership"]) if found["membership"] else None
    return measured(training_set, loaded.pipeline, Ladder.parse(found["ladder"]), told, found["seconds"])
