"""Promotion gates: pure verdicts on figures already measured. Anything missing or not finite refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ml.intervals import Figure
from ml.membership import Membership
from ml.slices import Slice

EVERY_GATE = (
    "beats_baseline", "beats_incumbent", "calibrated", "slice_floor", "plausible", "size", "loads", "latency",
    "not_rolled_back", "membership", "membership_tail", "embedded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """Which gates apply to a model, and every threshold. Differences of the metric are paired, on the same rows, with
    95 % intervals.

    metric: what the model is judged by, larger is better. leak: a metric that nobody can reach honestly.
    approvals: how many people have to approve what the gates let through; 0 for a model that is promoted without.
    """

    metric: str = "AUC"
    gates: tuple[str, ...] = EVERY_GATE
    baseline_margin: float = 0.01
    incumbent_tolerance: float = -0.002
    max_ece: float = 0.05
    slice_floor: float = 0.55
    slice_min_rows: int = 200
    max_bytes: int = 20_000_000
    max_latency_ms: float = 100.0
    leak: float = 0.98
    max_score_difference: float = 1e-9
    max_membership_auc: float = 0.60
    max_membership_alarms: float = 0.03
    max_embedded_difference: float = 1e-6
    approvals: int = 0


# The policy of each model that the registry keeps. next_action: nobody exports it to score without a library.
POLICIES: Mapping[str, PromotionPolicy] = {
    "churn": PromotionPolicy(),
    "next_action": PromotionPolicy(
        metric="MRR",
        gates=tuple(name for name in EVERY_GATE if name != "embedded"),
        baseline_margin=0.0,
        slice_floor=0.2,
    ),
}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What was measured of a model on the decision's rows; None means it could not be measured.

    figure: of the policy's metric. strongest_feature: what tells most alone, and that metric of it.
    """

    figure: Figure | None
    ece: float | None
    slices: Sequence[Slice] | None
    n_bytes: int | None
    latency_ms: float | None
    load_error: str | None
    score_difference: float | None
    strongest_feature: tuple[str, float] | None
    rolled_back: bool | None
    membership: Membership | None
    embedded_difference: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidate's metric minus another model's, and who the other is; None where it could not be compared.

    must_go: the other learnt from somebody who is gone, so that its equal may take its place.
    """

    other: str
    difference: Figure | None
    must_go: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate: passed or not, what was measured, against which threshold, and why."""

    name: str
    passed: bool
    measured: float | None
    threshold: float
    reason: str

    @property
    def margin(self) -> float | None:
        """How far on the right side of the threshold; negative on the wrong one."""
        if self.measured is None:
            return None
        return self.measured - self.threshold if self.name in FLOORS else self.threshold - self.measured


FLOORS = frozenset({"beats_baseline", "beats_incumbent", "metric_floor", "slice_floor"})
VERDICTS = "lethe.verdicts"  # the tag of a version that holds them
MOST_OF_A_REASON = 150


def decide(
    candidate: ModelFacts, incumbent: Comparison | None, baseline: Comparison | None, policy: PromotionPolicy
) -> tuple[Verdict, ...]:
    """Every gate of the policy, in its order. incumbent is None only where there is no champion yet.

    Raises KeyError for a gate that there is not.
    """
    judges: dict[str, Callable[[], Verdict]] = {
        "beats_baseline": lambda: beats_baseline(baseline, policy),
        "beats_incumbent": lambda: beats_incumbent(incumbent, policy),
        "calibrated": lambda: calibrated(candidate, policy),
        "slice_floor": lambda: slices_hold(candidate, policy),
        "plausible": lambda: plausible(candidate, policy),
        "size": lambda: small_enough(candidate, policy),
        "loads": lambda: loads(candidate, policy),
        "latency": lambda: fast_enough(candidate, policy),
        "not_rolled_back": lambda: not_rolled_back(candidate),
        "membership": lambda: forgets_who(candidate, policy),
        "membership_tail": lambda: names_nobody(candidate, policy),
        "embedded": lambda: scores_anywhere(candidate, policy),
    }
    return tuple(judges[name]() for name in policy.gates)


def beats_baseline(baseline: Comparison | None, policy: PromotionPolicy) -> Verdict:
    """The lower bound of the gain over the baseline exceeds the margin."""
    gain = None if baseline is None else baseline.difference
    text = f"{policy.metric} gain over the baseline {gain if gain else 'not measured'}; its lower bound counts"
    return _above("beats_baseline", None if gain is None else gain.low, policy.baseline_margin, text)


def beats_incumbent(incumbent: Comparison | None, policy: PromotionPolicy) -> Verdict:
    """No worse than the champion: lower bound above the tolerance, and a value of at least 0 unless it must go."""
    floor = policy.incumbent_tolerance
    if incumbent is None:
        return Verdict("beats_incumbent", True, None, floor, "there is no champion yet, so none can be beaten")
    gain = incumbent.difference
    if gain is None or not math.isfinite(gain.low) or not math.isfinite(gain.value):
        return Verdict("beats_incumbent", False, None, floor, f"{incumbent.other} could not be compared on these rows")
    if gain.value < 0 and not incumbent.must_go:
        text = f"{policy.metric} gain over {incumbent.other} {gain}; the value itself is below 0"
        return Verdict("beats_incumbent", False, gain.value, 0.0, text)
    why = ", which learnt from somebody who is gone," if incumbent.must_go else ""
    text = f"{policy.metric} gain over {incumbent.other}{why} {gain}; its lower bound counts"
    return _above("beats_incumbent", gain.low, floor, text)


def calibrated(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """Stated probabilities are off by no more than the allowed expected calibration error."""
    return _below("calibrated", candidate.ece, policy.max_ece, "expected calibration error")


def slices_hold(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """The metric of every slice with enough rows is above the floor; no such slice at all refuses."""
    judged = [s for s in candidate.slices or () if s.n_rows >= policy.slice_min_rows]
    if not judged:
        text = f"no slice has {policy.slice_min_rows} rows, so none could be judged; test on a longer period"
        return Verdict("slice_floor", False, None, policy.slice_floor, text)
    worst = min(judged, key=lambda s: s.figure.value if math.isfinite(s.figure.value) else -math.inf)
    value = worst.figure.value if math.isfinite(worst.figure.value) else None
    text = f"{policy.metric} of the weakest of {len(judged)} slices, {worst.name}, {worst.n_rows} rows"
    return _above("slice_floor", value, policy.slice_floor, text)


def plausible(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """Neither the model nor one feature alone is better than what is to come can be known: that is a leaked target."""
    if candidate.figure is None or candidate.strongest_feature is None:
        text = f"{policy.metric} or the strongest feature was not measured"
        return Verdict("plausible", False, None, policy.leak, text)
    name, alone = candidate.strongest_feature
    highest = max(candidate.figure.value, alone) if math.isfinite(candidate.figure.value) else None
    text = f"{policy.metric} of the model or of its strongest feature, {name}, alone"
    return _below("plausible", highest, policy.leak, text)


def small_enough(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """The model file is within its size."""
    n_bytes = None if candidate.n_bytes is None else float(candidate.n_bytes)
    return _below("size", n_bytes, float(policy.max_bytes), "bytes of the model file")


def loads(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """The registered file loads under the allow-list and its digest, and scores the same as the trained model."""
    limit = policy.max_score_difference
    if candidate.load_error is not None:
        return Verdict("loads", False, None, limit, candidate.load_error)
    return _below("loads", candidate.score_difference, limit, "largest difference in score after loading")


def fast_enough(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """One row is scored within the allowed time (median)."""
    return _below("latency", candidate.latency_ms, policy.max_latency_ms, "milliseconds to score one row (median)")


def not_rolled_back(candidate: ModelFacts) -> Verdict:
    """A version that a person took out of service does not come back by itself."""
    if candidate.rolled_back is None:
        return Verdict("not_rolled_back", False, None, 0.0, "whether it was rolled back is not known")
    text = "a person rolled this version back; promote it by hand" if candidate.rolled_back else "never rolled back"
    return Verdict("not_rolled_back", not candidate.rolled_back, None, 0.0, text)


def forgets_who(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """Who was learnt from cannot be told from the scores (AUC of the likelihood-ratio attack)."""
    told = candidate.membership
    text = "AUC of the attack that tells who was learnt from"
    return _below("membership", None if told is None else told.auc, policy.max_membership_auc, text)


def names_nobody(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """Hardly anybody who was learnt from can be named with certainty, at one false alarm in a hundred."""
    told = candidate.membership
    text = "share of the people learnt from that the attack names at 1 % false alarms"
    return _below("membership_tail", None if told is None else told.true_alarms, policy.max_membership_alarms, text)


def scores_anywhere(candidate: ModelFacts, policy: PromotionPolicy) -> Verdict:
    """The exported model, scored without any library, says what the model says."""
    text = "largest difference in score of the exported model"
    return _below("embedded", candidate.embedded_difference, policy.max_embedded_difference, text)


def refusal(verdicts: Sequence[Verdict]) -> str:
    """Which gates refused and by how much, in one sentence each."""
    return " ".join(sentence(item) for item in verdicts if not item.passed)


def sentence(verdict: Verdict, figure: Callable[[float], str] = "{:.6g}".format) -> str:
    """A verdict as a sentence with its figures; `figure` writes one."""
    if verdict.measured is None or verdict.margin is None:
        return f"{verdict.name} {'passed' if verdict.passed else 'refused'}: {verdict.reason}."
    side = "to spare" if verdict.margin >= 0 else "short"
    return (
        f"{verdict.name} {'passed' if verdict.passed else 'refused'}: {figure(verdict.measured)} against "
        f"{figure(verdict.threshold)}, {figure(abs(verdict.margin))} {side} ({verdict.reason})."
    )


def dump(verdicts: Sequence[Verdict]) -> str:
    """Verdicts as JSON, each reason cut to MOST_OF_A_REASON characters: the registry keeps short texts only."""
    return json.dumps([{**asdict(item), "reason": item.reason[:MOST_OF_A_REASON]} for item in verdicts])


def parse(text: str) -> tuple[Verdict, ...]:
    """What `dump` wrote."""
    return tuple(Verdict(**item) for item in json.loads(text))


def _above(name: str, value: float | None, floor: float, reason: str) -> Verdict:
    if value is None or not math.isfinite(value):
        return Verdict(name, False, None, floor, f"{reason}: no finite figure")
    return Verdict(name, value > floor, value, floor, reason)


def _below(name: str, value: float | None, limit: float, reason: str) -> Verdict:
    if value is None or not math.isfinite(value):
        return Verdict(name, False, None, limit, f"{reason}: no finite figure")
    return Verdict(name, value <= limit, float(value), limit, reason)
