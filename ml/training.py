"""From a training set to a measured, recorded candidate. Families, metrics and the registry live elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ml import churn, churn_trial, dynamics, narration, reasoning, record
from ml.churn import Ladder, Rung
from ml.diagnosis import TrainingFigures
from ml.gates import Comparison, ModelFacts
from ml.intervals import Figure, Floats
from ml.inversion import Inversion, inversion
from ml.journal import Journal
from ml.measurement import LaterRows, Learned, Measurement, later_rows, learning_rows, measure
from ml.membership import Membership, membership
from ml.training_sets import TrainingSet, digest_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ml.contenders import Frozen, Trained
    from ml.registry import Registry

Progress = Callable[[str], None]
T = TypeVar("T", bound="Trained")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recorded model version with everything its promotion is decided on."""

    name: str
    version: int
    training_set: TrainingSet
    ladder: Ladder
    pipeline: Pipeline
    rows: LaterRows
    scores: Floats
    report: Measurement
    reused: bool

    def facts(self, registry: Registry) -> ModelFacts:
        return churn_trial.facts_of(self, registry)

    def against_baseline(self) -> Comparison:
        return churn_trial.against_majority(self)

    def against(self, registry: Registry, champion: int) -> Comparison:
        return churn_trial.against(self, registry, champion)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained and measured pipeline that no registry knows yet."""

    training_set: TrainingSet
    ladder: Ladder
    pipeline: Pipeline
    report: Measurement
    scores: Floats
    rows: LaterRows

    source = "features.ftr_user_weekly"
    output = "boolean"

    @property
    def rung(self) -> str:
        return self.ladder.chosen

    @property
    def inputs(self) -> dict[str, str]:
        return dict.fromkeys(self.training_set.columns, "double")

    def params(self) -> dict[str, str]:
        return record.params(self)

    def metrics(self) -> dict[str, float]:
        return record.metrics(self)

    def write_files(self, folder: Path, made_from: dict[str, str]) -> None:
        record.write_files(folder, self, made_from)


def train_candidate(training_set: TrainingSet, registry: Registry, journal: Journal, progress: Progress) -> Candidate:
    """Train, measure and record a model; a version already finished for this training set is taken again.

    A failure is journaled and raised; an interruption is journaled as stopped.
    """
    key = training_key(training_set)
    if (finished := registry.finished(key)) is not None:
        return _reuse(training_set, registry, finished, progress)
    fitted, version = recorded(
        lambda: fit_candidate(training_set, journal, progress), key, training_set, registry, journal
    )
    return _candidate(registry.name, version, fitted, reused=False)


def recorded(
    fit: Callable[[], T], key: str, training_set: Frozen, registry: Registry, journal: Journal
) -> tuple[T, int]:
    """What `fit` makes, of whatever family, and the version it is recorded as; runs that a kill left are ended first.

    A failure is journaled and raised; an interruption is journaled as stopped.
    """
    registry.end_abandoned_runs(key)
    try:
        fitted = fit()
        version = registry.record(fitted, key)
    except BaseException as error:
        narration.training_ended_early(journal, training_set, registry.name, error)
        raise
    narration.saved(journal, training_set, registry.name, version)
    return fitted, version


def training_key(training_set: TrainingSet) -> str:
    """What a finished version is looked up by: the training set and the recipe that learns from it."""
    settings = {name: dict(values) for name, values in churn.SETTINGS.items()}
    return digest_of({"set": training_set.digest, "recipe": churn.RECIPE, "settings": settings, "seed": churn.SEED})


def fit_candidate(training_set: TrainingSet, journal: Journal, progress: Progress) -> Fitted:
    """Climb the ladder on the training rows, fit the chosen rung on all of them, measure it on the test rows."""
    features, labels, subjects, folds = learning_rows(training_set)
    narration.preprocessed(journal, training_set)
    narration.started(journal, training_set, labels)

    def tell(rung: Rung) -> None:
        progress(reasoning.rung_measured(rung))
        narration.rung_measured(journal, training_set, rung)

    ladder = churn.climb(features, labels, subjects, folds, tell)
    narration.chosen(journal, training_set, ladder)
    fitted = churn.fit(ladder.chosen, features, labels)
    rows = later_rows(training_set)
    scores = churn.probabilities(fitted, rows.features)
    alone = churn.associations(features, labels)
    told = membership(
        lambda known, outcomes, asked: churn.probabilities(churn.fit(ladder.chosen, known, outcomes), asked),
        features, labels, subjects, seed=churn.SEED,
    )  # fmt: skip
    guessed = inversion(
        lambda asked: churn.probabilities(fitted, asked), features, labels, subjects, seed=churn.SEED
    )  # fmt: skip
    report = measure(training_set, ladder, rows, scores, fitted, Learned(churn.strongest(alone), told, guessed))
    narration.measured(journal, training_set, ladder, report)
    later = dynamics.later_of(rows.labels, scores, features, rows.features[list(features.columns)])
    went = ladder.rung(ladder.chosen).folds
    seen = TrainingFigures(went, alone, dynamics.shared_people(subjects, folds), later)
    narration.diagnosed(journal, training_set, ladder, seen)
    progress(reasoning.evaluated(report.evaluation, report.recency))
    return Fitted(training_set, ladder, fitted, report, scores, rows)


def _reuse(training_set: TrainingSet, registry: Registry, version: int, progress: Progress) -> Candidate:
    progress(f"training set unchanged: version {version} of {registry.name} is taken again")
    loaded = registry.load_version(version)
    ladder, single = Ladder.parse(loaded.facts["ladder"]), loaded.facts["strongest_feature"]
    rows = later_rows(training_set)
    scores = churn.probabilities(loaded.pipeline, rows.features)
    told = Membership(**loaded.facts["membership"]) if loaded.facts["membership"] else None
    learned = Learned((str(single[0]), float(single[1])), told, _inversion(loaded.facts["inversion"]))
    report = measure(training_set, ladder, rows, scores, loaded.pipeline, learned)
    fitted = Fitted(training_set, ladder, loaded.pipeline, report, scores, rows)
    return _candidate(registry.name, version, fitted, reused=True)


def _inversion(found: dict[str, Any] | None) -> Inversion | None:
    return Inversion(**found | {"gain": Figure(**found["gain"])}) if found else None


def _candidate(name: str, version: int, fitted: Fitted, *, reused: bool) -> Candidate:
    return Candidate(
        name, version, fitted.training_set, fitted.ladder, fitted.pipeline, fitted.rows, fitted.scores,
        fitted.report, reused,
    )  # fmt: skip
