"""Promotion of a candidate to champion, and back. The gates themselves are pure and live in ml.gates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml import gates
from ml.approvals import ApprovalMissingError
from ml.gates import Comparison, PromotionPolicy, Verdict
from ml.journal import Entry, Event, Journal
from ml.taint import TAINTED

if TYPE_CHECKING:
    from ml.contenders import Contender
    from ml.registry import Registry


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
    candidate: Contender, registry: Registry, policy: PromotionPolicy, journal: Journal
) -> PromotionDecision:
    """Measure what the gates need and let them decide; writes the verdict to the journal and to the version."""
    champion = registry.champion()
    if champion == candidate.version:
        return PromotionDecision(candidate.name, candidate.version, champion, (), None, already_champion=True)
    comparison = None if champion is None else beside_champion(candidate, registry, champion)
    verdicts = gates.decide(candidate.facts(registry), comparison, candidate.against_baseline(), policy)
    decision = PromotionDecision(
        candidate.name, candidate.version, champion, verdicts, comparison, approvals=policy.approvals
    )
    said = {"lethe.gates": decision.explain(), "lethe.gates_passed": str(decision.passed)}
    registry.note(candidate.version, {**said, gates.VERDICTS: gates.dump(verdicts)})
    _tell(journal, candidate, decision)
    return decision


def beside_champion(candidate: Contender, registry: Registry, champion: int) -> Comparison:
    """The comparison with a champion, and whether that one, unlike the candidate, learnt from somebody who is gone."""
    found, tags = candidate.against(registry, champion), registry.versions()
    return replace(found, must_go=TAINTED in tags[champion] and TAINTED not in tags[candidate.version])


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


def _tell(journal: Journal, candidate: Contender, decision: PromotionDecision) -> None:
    figures = {item.name: item.measured for item in decision.verdicts}
    word = "Promotion allowed" if decision.passed else "Promotion refused"
    dataset = candidate.training_set.training_set_id
    journal.write(Entry(Event.MODEL_COMPARED, dataset, candidate.name, word, decision.explain(), figures))
    if any(item.name == "plausible" and not item.passed for item in decision.verdicts):
        text = next(gates.sentence(item) for item in decision.verdicts if item.name == "plausible")
        journal.write(Entry(Event.ISSUE_DETECTED, dataset, candidate.name, "Suspected target leak", text, figures))
