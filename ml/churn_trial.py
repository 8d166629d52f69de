"""What the gates are told of a churn candidate: measured on its own test rows, from the file as registered."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ml import churn
from ml.artifacts import ArtefactError
from ml.evaluation import auc_difference
from ml.gates import Comparison, ModelFacts

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ml.registry import Registry
    from ml.training import Candidate

MOST_EMBEDDED = 1_000  # rows that a promotion scores without a library; `lethe models export` takes ten thousand


def against(candidate: Candidate, registry: Registry, champion: int) -> Comparison:
    """Candidate against champion on the candidate's test rows; no difference where the champion cannot be scored."""
    name = f"version {champion}"
    try:
        loaded = registry.load_version(champion)
        scores = churn.probabilities(loaded.pipeline, candidate.rows.features)
    except ArtefactError as error:
        return Comparison(f"{name} ({error})", None)
    except KeyError as error:
        return Comparison(f"{name} (needs features that are gone: {error})", None)
    return Comparison(name, auc_difference(candidate.rows.outcomes, candidate.scores, scores))


def against_majority(candidate: Candidate) -> Comparison:
    """Candidate against one probability for all, which ranks nobody."""
    flat = np.full(len(candidate.scores), 0.5)
    return Comparison("the majority", auc_difference(candidate.rows.outcomes, candidate.scores, flat))


def facts_of(candidate: Candidate, registry: Registry) -> ModelFacts:
    """Everything the gates ask about the candidate, from the file as registered."""
    report, features = candidate.report, candidate.rows.features
    error, difference, n_bytes, latency, embedded = None, None, None, None, None
    try:
        loaded = registry.load_version(candidate.version)
        again = churn.probabilities(loaded.pipeline, features)
        difference = float(np.max(np.abs(again - candidate.scores)))
        embedded = embedded_difference(loaded.pipeline, candidate.name, features)
        n_bytes, latency = loaded.n_bytes, median_ms(lambda: churn.probabilities(loaded.pipeline, features.head(1)))
    except ArtefactError as refused:
        error = str(refused)
    return ModelFacts(
        figure=report.evaluation.figures["auc_roc"],
        ece=report.evaluation.figures["ece"].value,
        slices=report.slices,
        n_bytes=n_bytes,
        latency_ms=latency,
        load_error=error,
        score_difference=difference,
        strongest_feature=report.strongest_feature,
        rolled_back=registry.was_rolled_back(candidate.version),
        membership=report.membership,
        embedded_difference=embedded,
    )


def embedded_difference(fitted: Pipeline, name: str, features: pd.DataFrame) -> float | None:
    """The largest distance of the exported model's scores on at most MOST_EMBEDDED rows; None without an export."""
    from ml.embedded.agreement import largest_difference
    from ml.embedded.document import UnexportableModelError, document_of

    try:
        document = document_of(fitted, model=name)
    except UnexportableModelError:
        return None
    return largest_difference(fitted, document, features.head(MOST_EMBEDDED))


def median_ms(call: Callable[[], object], n_calls: int = 15) -> float:
    """Median milliseconds of a call."""
    taken = list[float]()
    for _ in range(n_calls):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)
