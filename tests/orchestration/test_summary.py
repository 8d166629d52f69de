"""The text of a summary: every figure a person needs, and no invented one."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration import summary

EVENTS = {"read": 1200, "stored": 1000, "duplicates": 150, "quarantined": 40, "refused": 10}
GATE = {"name": "raw_in", "passed": True, "evidence": {"checks": 16, "failed": 0}}
MODEL = {
    "name": "churn",
    "version": 3,
    "alias": "champion",
    "rung": "boosting",
    "metrics": {"auc_roc": 0.91, "auc_roc_low": 0.9, "auc_roc_high": 0.92, "recency_alone/auc_roc": 0.84},
    "verdicts": ["calibrated passed: 0.02 (at most 0.05)."],
}


def facts(**changes: Any) -> dict[str, Any]:
    """The summary of a small run."""
    base: dict[str, Any] = {
        "events": EVENTS,
        "stored_total": 5000,
        "excluded": {"no_consent": 300, "some_new_reason": 2},
        "safe": {"pseudonymous_events": 600, "anonymous_events": 100},
        "features": {"ftr_user_weekly": 55},
        "gates": [GATE],
        "model": MODEL,
    }
    return {**base, **changes}


def test_events_are_shown_as_the_sum_they_are() -> None:
    text = summary.text(facts())
    assert "1,200 read = 1,000 stored + 150 duplicates + 40 quarantined + 10 refused" in text
    assert "5,000 events are stored in all" in text


def test_exclusions_are_in_words_and_an_unknown_reason_is_still_shown() -> None:
    text = summary.text(facts())
    assert "300  no consent for any use" in text
    assert "2  some new reason" in text


def test_nothing_left_out_is_said() -> None:
    assert "Left out    nothing" in summary.text(facts(excluded={}))


@pytest.mark.parametrize(("passed", "failed", "said"), [(True, 0, "passed (16 of 16"), (False, 2, "REFUSED (14 of 16")])
def test_a_gate_says_its_verdict_with_its_evidence(passed: bool, failed: int, said: str) -> None:
    gate = {**GATE, "passed": passed, "evidence": {"checks": 16, "failed": failed}}
    assert f"raw_in: {said} checks hold)" in summary.text(facts(gates=[gate]))


def test_the_model_stands_beside_the_baseline_with_its_interval() -> None:
    text = summary.text(facts())
    assert "churn version 3 is champion: boosting" in text
    assert "AUC 0.9100 [0.9000, 0.9200]  churn model" in text
    assert "AUC 0.8400  recency alone" in text
    assert "with bots" not in text, "a figure that was not measured is not claimed"
    assert MODEL["verdicts"][0] in text  # type: ignore[index]


def test_the_next_action_model_stands_beside_its_baseline() -> None:
    figures = {"mrr": 0.67, "mrr_low": 0.66, "mrr_high": 0.68, "baseline/mrr": 0.47}
    model = {"name": "next_action", "version": 2, "alias": "champion", "rung": "Markov chain", "metrics": figures}
    text = summary.text(facts(next_action=model))
    assert "next_action version 2 is champion: Markov chain" in text
    assert "MRR 0.6700 [0.6600, 0.6800]  next steps" in text
    assert "MRR 0.4700  the next cheaper model" in text
    assert "MRR" not in summary.text(facts(next_action=None))


def test_no_model_is_said() -> None:
    assert "Model       none yet" in summary.text(facts(model=None))


def test_every_reason_of_the_transform_has_words() -> None:
    """The two lists live in different packages; this says when they part."""
    from privacy.rows import PATH_REASONS, ROW_REASONS

    assert {reason for reason in (*ROW_REASONS, *PATH_REASONS) if reason} == set(summary.REASONS)
