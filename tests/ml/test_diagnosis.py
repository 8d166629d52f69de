"""The probable cause of a training's trouble: a corpus of planted problems, healthy trainings, and each figure."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ml.diagnosis import Cause, Fold, Later, TrainingFigures, best_iteration, diagnose
from tests.ml import trainings

FIRST_SEED = 1_000  # the limits were chosen on seeds below
FALLING = (0.69, 0.60, 0.52, 0.47, 0.45, 0.44, 0.435, 0.433, 0.432)
FOLD = Fold(400, 160, 0.86, 0.84, 0.43, 0.70, FALLING, FALLING, finished=True)
GOOD = TrainingFigures((FOLD, FOLD, FOLD), {"recency": 0.8, "events": 0.7}, 0, Later(600, 250, 0.83, 0.45, {"a": 0.1}))


def _first(seen: TrainingFigures) -> Cause | None:
    found = diagnose(seen)
    return found[0].cause if found else None


def test_of_planted_problems_nine_in_ten_are_named() -> None:
    plan = [(cause, variant) for cause, variants in trainings.PLANTED.items() for variant in range(len(variants))]
    named = {
        (cause, variant): _first(trainings.planted(cause, variant, FIRST_SEED + place))
        for place, (cause, variant) in enumerate(plan)
    }
    wrong = {place: found for place, found in named.items() if place[0] != found}
    assert len(plan) >= 30
    assert len(wrong) <= len(plan) // 10, wrong


def test_of_thirty_healthy_trainings_at_most_one_is_reported() -> None:
    found = {variant: diagnose(trainings.healthy(variant, FIRST_SEED + variant)) for variant in range(30)}
    assert sum(len(reports) for reports in found.values()) <= 1, found


def _folds(**changes: object) -> TrainingFigures:
    return replace(GOOD, folds=tuple(replace(fold, **changes) for fold in GOOD.folds))  # type: ignore[arg-type]


RISING = (*FALLING[:5], 0.50, 0.55, 0.60)
STRAIGHT = tuple(0.69 - 0.01 * step for step in range(9))


@pytest.mark.parametrize(
    ("seen", "cause", "said"),
    [
        (replace(GOOD, associations={"left_on": 0.999, "events": 0.7}), Cause.LEAKAGE, "left_on alone"),
        (replace(GOOD, associations={"left_on": 0.95, "events": 0.7}), Cause.LEAKAGE, "the next feature with 0.7000"),
        (replace(GOOD, n_shared=3), Cause.LEAKAGE, "3 people"),
        (_folds(validation_auc=0.99, train_auc=0.99), Cause.LEAKAGE, "better than the outcome can be known"),
        (_folds(train_losses=(0.69, 3.0, 0.5)), Cause.INSTABILITY, "steps are too large"),
        (_folds(train_losses=(0.69, math.nan)), Cause.INSTABILITY, "learning rate"),
        (replace(GOOD, later=Later(600, 250, 0.60, 0.45, {"a": 0.4})), Cause.DRIFT, "a moved most, by 0.40"),
        (replace(GOOD, later=Later(600, 250, 0.83, 0.90, {})), Cause.DRIFT, "log loss 0.4300 and 0.9000"),
        (_folds(n_positive=8, rare_recall=0.0), Cause.IMBALANCE, "2.00% of the rows"),
        (_folds(n_positive=392, rare_recall=0.0), Cause.IMBALANCE, "2.00% of the rows"),
        (_folds(train_auc=1.0, validation_auc=0.80), Cause.OVERFITTING, "from 1.0000"),
        (_folds(validation_losses=RISING), Cause.OVERFITTING, "ends 33% above its lowest"),
        (_folds(finished=False), Cause.NON_CONVERGENCE, "3 of 3 fits"),
        (_folds(validation_losses=STRAIGHT), Cause.NON_CONVERGENCE, "25% of the whole fall"),
    ],
)  # fmt: skip
def test_each_figure_names_its_cause_and_states_itself(seen: TrainingFigures, cause: Cause, said: str) -> None:
    found = diagnose(seen)
    assert found[0].cause == cause
    assert said in found[0].reasoning


def test_folds_that_differ_by_more_than_chance_are_unstable() -> None:
    aucs = (0.84, 0.60, 0.86)
    apart = tuple(replace(FOLD, validation_auc=auc, train_auc=auc) for auc in aucs)
    assert _first(replace(GOOD, folds=apart, later=None)) == Cause.INSTABILITY
    few = tuple(replace(fold, n_rows=12, n_positive=6) for fold in apart)
    assert _first(replace(GOOD, folds=few, later=None)) is None, "so few rows explain it"


def test_a_training_without_curves_or_later_rows_is_judged_by_what_there_is() -> None:
    bare = replace(_folds(train_losses=(), validation_losses=(), finished=None), later=None)
    assert diagnose(bare) == ()
    assert best_iteration(bare.folds[0]) is None
    assert best_iteration(FOLD) == 9
    assert diagnose(replace(bare, associations={})) == ()


def test_causes_that_explain_others_come_first() -> None:
    both = replace(_folds(train_auc=1.0, validation_auc=0.80), associations={"left_on": 0.999, "events": 0.7})
    assert [found.cause for found in diagnose(both)] == [Cause.LEAKAGE, Cause.OVERFITTING]
