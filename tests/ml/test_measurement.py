"""What the report says about bots, recency and slices."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import churn, reasoning, slices
from ml.intervals import Figure
from ml.journal import Journal
from ml.measurement import Measurement, later_rows, learning_rows, recency_scores
from ml.training import Fitted, fit_candidate
from ml.training_sets import TrainingPolicy, TrainingSet
from tests.ml import synthetic


def _fit(data: TrainingSet, journal: Journal) -> Fitted:
    return fit_candidate(data, journal, lambda _: None)


def test_models_learn_from_people_and_the_effect_of_bots_is_measured(small_set: TrainingSet, journal: Journal) -> None:
    assert len(learning_rows(small_set)[0]) == len(small_set.split.train) - small_set.manifest["n_bot_rows"]["train"]
    report = _fit(small_set, journal).report
    assert report.with_bots.n_rows - report.evaluation.n_rows == small_set.manifest["n_bot_rows"]["test"]
    assert report.trained_with_bots is not None
    assert report.trained_with_bots.n_rows == report.evaluation.n_rows


def test_a_policy_may_keep_bots(small_set: TrainingSet) -> None:
    kept = replace(small_set, policy=TrainingPolicy(exclude_bots=False))
    assert len(learning_rows(kept)[0]) == len(small_set.split.train)


def test_longer_absence_ranks_higher_and_unknown_absence_highest() -> None:
    scores = recency_scores(pd.DataFrame({"recency_days": [1.0, 30.0, np.nan]}))
    assert scores is not None
    assert list(np.argsort(scores)) == [0, 1, 2]
    assert recency_scores(pd.DataFrame({"other": [1.0]})) is None


def test_slices_cover_every_row_once_per_band() -> None:
    frame = synthetic.frame(100, 4)
    masks = slices.slice_masks(frame, frozenset(frame["subject"][:50]))
    for prefix in ("tenure", "activity", "subjects"):
        total = np.sum([mask.astype(int) for name, mask in masks.items() if name.startswith(prefix)], axis=0)
        assert set(total) == {1}


def test_a_band_without_values_is_left_out() -> None:
    frame = synthetic.frame(20, 2).assign(tenure_days=np.nan)
    assert not [name for name in slices.slice_masks(frame, frozenset()) if name.startswith("tenure")]


def _issues(report: Measurement) -> set[str]:
    return {issue.decision for issue in reasoning.find_issues(report)}


def test_every_issue_is_found_in_the_figures_that_show_it(small_set: TrainingSet, journal: Journal) -> None:
    good = _fit(small_set, journal).report
    assert _issues(good) == set()

    def changed(**values: float) -> Measurement:
        figures = {**good.evaluation.figures, **{k: Figure(v, v, v) for k, v in values.items()}}
        return replace(good, evaluation=replace(good.evaluation, figures=figures))

    weak = slices.Slice("tenure band 1 of 3", 900, 300, 200, Figure(0.5, 0.45, 0.55))
    assert _issues(changed(ece=0.2)) == {"Miscalibration"}
    assert _issues(changed(auc_roc=0.99)) == {"Suspiciously good"}
    assert _issues(changed(auc_roc=0.6)) == {"No gain over recency"}
    assert _issues(replace(good, slices=(weak,))) == {"Weak slice"}


def _journalled(folder: Path) -> list[str]:
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    return [entry["decision"] for entry in map(json.loads, lines) if entry["event"] == "ISSUE_DETECTED"]


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (lambda rows: rows, []),
        (lambda rows: rows.assign(left=rows["is_churned"].astype(float)), ["Probable cause: leakage"]),
        (
            lambda rows: rows.assign(is_churned=rows["is_churned"] ^ (rows["cutoff_on"] >= max(rows["cutoff_on"]))),
            ["Probable cause: drift between splits"],
        ),
    ],
)
def test_the_probable_cause_stands_in_the_journal(
    fault: Callable[[pd.DataFrame], pd.DataFrame], found: list[str], journal: Journal, tmp_path: Path
) -> None:
    _fit(synthetic.training_set(fault(synthetic.frame(400, 8))), journal)
    journal.close()
    said = [decision for decision in _journalled(tmp_path / "logs") if decision.startswith("Probable")]
    assert said == found


def test_reasoning_states_the_figures_it_rests_on(small_set: TrainingSet, journal: Journal) -> None:
    fitted = _fit(small_set, journal)
    auc = fitted.report.evaluation.figures["auc_roc"]
    assert str(auc) in reasoning.evaluated(fitted.report.evaluation, fitted.report.recency)
    assert f"{small_set.manifest['n_rows']['train']} rows" in reasoning.dataset_frozen(small_set.manifest)
    assert "the test rows were not used" in reasoning.rung_selected(fitted.ladder)


def test_the_same_set_gives_the_same_scores(small_set: TrainingSet, journal: Journal) -> None:
    first, second = _fit(small_set, journal), _fit(small_set, journal)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.scores, churn.probabilities(second.pipeline, later_rows(small_set).features))
