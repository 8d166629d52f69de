"""Promotion of a candidate to champion, and back. The gates themselves are pure and live in ml.gates."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml import churn, gates
from ml.approvals import ApprovalMissingError
from ml.artifacts import ArtefactError
from ml.evaluation import auc_difference
from ml.gates import Comparison, ModelFacts, PromotionPolicy, Verdict
from ml.journal import Entry, Event, Journal

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ml.registry import Registry
    from ml.training import Candidate


MOST_EMBEDDED = 1_000  # rows that a promotion scores without a library; `lethe models export` takes ten thousand


class PromotionRefusedError(Exception):
    """A candidate that a gate refused; the message says which gate and by how much."""


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    """What the gates say about a version; incumbent is the champion it was compared with, if there was one.

    approvals: how many people have to approve it besides.
    """

    name: str
    version: int
    incumbent: int | None
    verdicts: tuple[Verdict, ...]
    comparison: Comparison | None
    already_champion: bool = False
    approvals: int = 0

    @property
    def passed(self) -> bool:
        return self.already_champion or (bool(self.verdicts) and all(item.passed for item in self.verdicts))

    def explain(self) -> str:
        """The decision in words a person can act on."""
        if self.already_champion:
            return f"version {self.version} of {self.name} is the champion already"
        if self.passed:
            return " ".join(gates.sentence(item) for item in self.verdicts)
        return f"version {self.version} of {self.name} was not promoted. {gates.refusal(self.verdicts)}"


def decide_promotion(
    candidate: Candidate, registry: Registry, policy: PromotionPolicy, journal: Journal
) -> PromotionDecision:
    """Measure what the gates need and let them decide; writes the verdict to the journal and to the version."""
    champion = registry.champion()
    if champion == candidate.version:
        return PromotionDecision(candidate.name, candidate.version, champion, (), None, already_champion=True)
    comparison = None if champion is None else compare(candidate, registry, champion)
    verdicts = gates.decide(facts_of(candidate, registry), comparison, against_majority(candidate), policy)
    decision = PromotionDecision(
        candidate.name, candidate.version, champion, verdicts, comparison, approvals=policy.approvals
    )
    said = {"lethe.gates": decision.explain(), "lethe.gates_passed": str(decision.passed)}
    registry.note(candidate.version, {**said, gates.VERDICTS: gates.dump(verdicts)})
    _tell(journal, candidate, decision)
    return decision


def promote(decision: PromotionDecision, registry: Registry, journal: Journal) -> int:
    """Make the version champion, read it back, and journal it.

    Raises PromotionRefusedError where a gate refused, ApprovalMissingError where people have to approve it.
    """
    if not decision.passed:
        raise PromotionRefusedError(decision.explain())
    if decision.already_champion:
        return decision.version
    if decision.approvals:
        raise ApprovalMissingError(
            f"version {decision.version} of {decision.name} waits for {decision.approvals} approvals; see "
            "`lethe models waiting`"
        )
    registry.promote(decision.version)
    if (now := registry.champion()) != decision.version:
        raise PromotionRefusedError(f"{decision.name} still has champion {now} after the move; try again")
    text = f"All {len(decision.verdicts)} gates passed; version {decision.incumbent or 'none'} was champion before."
    entry = Entry(Event.MODEL_COMPARED, None, decision.name, f"Version {decision.version} is champion", text, None)
    journal.write(entry)
    return decision.version


def rollback(registry: Registry, journal: Journal, reason: str) -> tuple[int, int | None]:
    """Make the champion before the present one champion again; returns (from, to), to None where none is known."""
    before, after = registry.rollback()
    entry = Entry(
        Event.MODEL_COMPARED, None, registry.name, f"Rolled back from {before} to {after or 'none'}", reason, None
    )
    journal.write(entry)
    return before, after


def compare(candidate: Candidate, registry: Registry, champion: int) -> Comparison:
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
        n_bytes, latency = loaded.n_bytes, latency_ms(loaded.pipeline, features)
    except ArtefactError as refused:
        error = str(refused)
    return ModelFacts(
        auc=report.evaluation.figures["auc_roc"],
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


def latency_ms(fitted: Pipeline, features: pd.DataFrame, n_calls: int = 15) -> float:
    """Median milliseconds to score one row."""
    row, taken = features.head(1), list[float]()
    for _ in range(n_calls):
        started = time.perf_counter()
        churn.probabilities(fitted, row)
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def _tell(journal: Journal, candidate: Candidate, decision: PromotionDecision) -> None:
    figures = {item.name: item.measured for item in decision.verdicts}
    word = "Promotion allowed" if decision.passed else "Promotion refused"
    dataset = candidate.training_set.training_set_id
    journal.write(Entry(Event.MODEL_COMPARED, dataset, candidate.name, word, decision.explain(), figures))
    if any(item.name == "plausible" and not item.passed for item in decision.verdicts):
        text = next(gates.sentence(item) for item in decision.verdicts if item.name == "plausible")
        journal.write(Entry(Event.ISSUE_DETECTED, dataset, candidate.name, "Suspected target leak", text, figures))
