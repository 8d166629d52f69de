"""Every gate refuses its planted fault, says by how much, and refuses what was not measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml import gates
from ml.gates import Comparison, ModelFacts, PromotionPolicy, decide
from ml.intervals import Figure
from ml.membership import Membership
from ml.slices import Slice

NAN = float("nan")
POLICY = PromotionPolicy()
MOST_CHARACTERS = 4000  # of a tag; ml/registry.py cuts what is longer
GOOD = ModelFacts(
    figure=Figure(0.85, 0.83, 0.87),
    ece=0.01,
    slices=(Slice("tenure band 1 of 3", 900, 300, 200, Figure(0.8, 0.7, 0.9)),),
    n_bytes=1_000_000,
    latency_ms=3.0,
    load_error=None,
    score_difference=0.0,
    strongest_feature=("recency_days", 0.8),
    rolled_back=False,
    membership=Membership(0.53, 0.012, 900, 16),
    embedded_difference=1e-12,
)
BASELINE = Comparison("the majority", Figure(0.35, 0.33, 0.37))
BETTER = Comparison("version 1", Figure(0.004, 0.001, 0.007))


def _refused(
    facts: ModelFacts = GOOD, incumbent: Comparison | None = BETTER, baseline: Comparison | None = BASELINE
) -> list[str]:
    return [v.name for v in gates.decide(facts, incumbent, baseline, POLICY) if not v.passed]


def test_a_good_candidate_passes_all() -> None:
    assert _refused() == []


def test_the_first_model_needs_no_incumbent_and_says_so() -> None:
    verdict = gates.beats_incumbent(None, POLICY)
    assert verdict.passed
    assert "no champion yet" in verdict.reason


def _slices(value: float, n_rows: int = 900) -> tuple[Slice, ...]:
    return (*(GOOD.slices or ()), Slice("activity band 1 of 3", n_rows, 300, 200, Figure(value, 0.4, 0.6)))


@pytest.mark.parametrize(
    ("facts", "gate"),
    [
        (replace(GOOD, ece=0.0501), "calibrated"),
        (replace(GOOD, ece=None), "calibrated"),
        (replace(GOOD, ece=NAN), "calibrated"),
        (replace(GOOD, slices=_slices(0.549)), "slice_floor"),
        (replace(GOOD, slices=_slices(NAN)), "slice_floor"),
        (replace(GOOD, slices=None), "slice_floor"),
        (replace(GOOD, slices=()), "slice_floor"),
        (replace(GOOD, figure=Figure(0.999, 0.99, 1.0)), "plausible"),
        (replace(GOOD, figure=None), "plausible"),
        (replace(GOOD, figure=Figure(NAN, NAN, NAN)), "plausible"),
        (replace(GOOD, strongest_feature=("left_on", 1.0)), "plausible"),
        (replace(GOOD, strongest_feature=None), "plausible"),
        (replace(GOOD, n_bytes=20_000_001), "size"),
        (replace(GOOD, n_bytes=None), "size"),
        (replace(GOOD, load_error="the file holds a type that is not allowed"), "loads"),
        (replace(GOOD, score_difference=1e-6), "loads"),
        (replace(GOOD, score_difference=NAN), "loads"),
        (replace(GOOD, latency_ms=100.1), "latency"),
        (replace(GOOD, latency_ms=None), "latency"),
        (replace(GOOD, rolled_back=True), "not_rolled_back"),
        (replace(GOOD, rolled_back=None), "not_rolled_back"),
        (replace(GOOD, membership=Membership(0.61, 0.012, 900, 16)), "membership"),
        (replace(GOOD, membership=Membership(0.53, 0.031, 900, 16)), "membership_tail"),
        (replace(GOOD, embedded_difference=2e-6), "embedded"),
        (replace(GOOD, embedded_difference=None), "embedded"),
    ],
)
def test_a_planted_fault_is_refused_by_its_own_gate_alone(facts: ModelFacts, gate: str) -> None:
    assert _refused(facts) == [gate]


def test_a_policy_says_which_gates_judge_by_which_metric() -> None:
    assert set(gates.POLICIES["churn"].gates) - set(gates.POLICIES["next_action"].gates) == {"embedded"}
    policy = replace(POLICY, metric="MRR", gates=("plausible", "beats_baseline"))
    verdicts = decide(replace(GOOD, ece=0.5), None, BASELINE, policy)
    assert [(v.name, v.passed) for v in verdicts] == [("plausible", True), ("beats_baseline", True)]
    assert all(v.reason.startswith("MRR") for v in verdicts)
    with pytest.raises(KeyError, match="gut_feeling"):
        decide(GOOD, None, BASELINE, replace(POLICY, gates=("gut_feeling",)))


def test_a_slice_with_few_rows_is_not_judged() -> None:
    assert _refused(replace(GOOD, slices=_slices(0.3, n_rows=199))) == []


@pytest.mark.parametrize("gain", [None, Figure(0.02, 0.009, 0.03), Figure(NAN, NAN, NAN), Figure(0.0, 0.0, 0.0)])
def test_the_baseline_must_be_beaten_by_the_margin(gain: Figure | None) -> None:
    assert _refused(baseline=Comparison("the majority", gain)) == ["beats_baseline"]
    assert _refused(baseline=None) == ["beats_baseline"]


@pytest.mark.parametrize(
    "gain",
    [None, Figure(-0.0001, -0.001, 0.001), Figure(0.001, -0.0021, 0.004), Figure(NAN, NAN, NAN), Figure(0.1, NAN, NAN)],
)
def test_the_champion_must_not_be_worsened(gain: Figure | None) -> None:
    assert _refused(incumbent=Comparison("version 1", gain)) == ["beats_incumbent"]


def test_a_champion_that_learnt_from_somebody_who_is_gone_is_replaced_by_its_equal() -> None:
    equal, worse = Figure(-0.0001, -0.001, 0.001), Figure(-0.004, -0.006, 0.0)
    assert _refused(incumbent=Comparison("version 1", equal)) == ["beats_incumbent"]
    assert _refused(incumbent=Comparison("version 1", equal, must_go=True)) == []
    assert _refused(incumbent=Comparison("version 1", worse, must_go=True)) == ["beats_incumbent"]
    assert _refused(incumbent=Comparison("version 1", None, must_go=True)) == ["beats_incumbent"]


def test_a_refusal_names_the_gate_and_the_distance() -> None:
    text = gates.refusal(gates.decide(replace(GOOD, ece=0.08), BETTER, BASELINE, POLICY))
    assert text.startswith("calibrated refused: 0.08 against 0.05, 0.03 short")


def test_a_membership_that_was_not_measured_is_refused() -> None:
    assert _refused(replace(GOOD, membership=None)) == ["membership", "membership_tail"]


def test_of_a_thousand_candidates_that_are_no_better_hardly_any_is_promoted() -> None:
    """A/A: candidate and champion differ by chance. The lower bound must clear the tolerance, and the value 0."""
    draw = np.random.default_rng(1)
    error = 0.004  # of a paired difference on a few hundred people
    values = draw.normal(0.0, error, 1000)
    gains = [Figure(v, v - 1.96 * error, v + 1.96 * error) for v in values]
    promoted = [all(v.passed for v in decide(GOOD, Comparison("version 1", g), BASELINE, POLICY)) for g in gains]
    assert np.mean(promoted) <= 0.10
    better = [Comparison("version 1", Figure(v + 0.02, v + 0.02 - 1.96 * error, 1.0)) for v in values]
    assert np.mean([all(v.passed for v in decide(GOOD, g, BASELINE, POLICY)) for g in better]) > 0.95


def test_verdicts_are_kept_as_data_within_what_the_registry_keeps() -> None:
    verdicts = decide(replace(GOOD, ece=0.07, latency_ms=None), BETTER, BASELINE, POLICY)
    assert gates.parse(gates.dump(verdicts)) == verdicts
    long = tuple(replace(verdict, measured=-1 / 3 * 1e-9, reason="x" * 900) for verdict in verdicts)
    assert len(gates.dump(long)) < MOST_CHARACTERS
