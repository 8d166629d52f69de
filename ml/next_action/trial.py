"""What the gates are told of a next-action candidate: on its own later sessions, from the file as registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.artifacts import ArtefactError
from ml.churn_trial import median_ms
from ml.gates import Comparison, ModelFacts
from ml.next_action.measures import METRIC, answers, gain, step_model

if TYPE_CHECKING:
    from ml.next_action.training import Candidate
    from ml.registry import Registry

MOST_TOLD_AGAIN = 500  # questions on which the loaded file has to say what the trained model said


def facts_of(candidate: Candidate, registry: Registry) -> ModelFacts:
    """Everything the gates ask about the candidate; the strongest feature is what the next cheaper model looks at."""
    report, begun = candidate.fitted.report, candidate.fitted.asked.questions.begun[:MOST_TOLD_AGAIN]
    error, difference, n_bytes, latency = None, None, None, None
    try:
        loaded = registry.load_version(candidate.version)
        model = step_model(loaded.pipeline)
        told, before = (np.exp(m.log_probabilities(begun)) for m in (model, candidate.fitted.model))
        difference = float(np.max(np.abs(told - before)))
        n_bytes, latency = loaded.n_bytes, median_ms(lambda: model.log_probabilities(begun[:1]))
    except ArtefactError as refused:
        error = str(refused)
    return ModelFacts(
        figure=report.measures[METRIC].model,
        ece=report.ece,
        slices=report.slices,
        n_bytes=n_bytes,
        latency_ms=latency,
        load_error=error,
        score_difference=difference,
        strongest_feature=(report.baseline, report.measures[METRIC].other.value),
        rolled_back=registry.was_rolled_back(candidate.version),
        membership=report.membership,
        embedded_difference=None,
    )


def against_baseline(candidate: Candidate) -> Comparison:
    """Beside the next cheaper model, learned from the same sessions."""
    return Comparison(candidate.fitted.report.baseline, candidate.fitted.report.measures[METRIC].gain)


def against(candidate: Candidate, registry: Registry, champion: int) -> Comparison:
    """Beside the champion on the candidate's later sessions; no difference where its file was changed."""
    asked, name = candidate.fitted.asked.questions, f"version {champion}"
    try:
        theirs = answers(step_model(registry.load_version(champion).pipeline), asked)
    except ArtefactError as error:
        return Comparison(f"{name} ({error})", None)
    return Comparison(name, gain(candidate.fitted.ours.places, theirs.places, asked.units))
