"""Drift: the laws of the index, the verdicts, and the way from the feature table to the stored report."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quality.drift import MissingFeatureError, drift_report, fetch_feature_windows, psi, record_drift
from quality.drift_null import adjusted
from quality.drift_page import render, summary
from tests.quality import world
from warehouse.database import Database

VALUES = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6))


def _frame(seed: int, rows: int = 1000, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"steady": rng.normal(size=rows), "moved": rng.normal(shift, size=rows), "fixed": 3.0})


@settings(max_examples=50, deadline=None)
@given(reference=VALUES, current=VALUES)
def test_psi_is_never_negative_and_zero_for_the_same_rows(
    reference: np.typing.NDArray[np.float64], current: np.typing.NDArray[np.float64]
) -> None:
    assert psi(reference, current) >= 0
    assert psi(reference, np.flip(reference)) == 0


def test_psi_agrees_with_the_formula_worked_by_hand() -> None:
    reference, current = np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 1, 1])
    # Quantiles of the reference are 0 (seven times) and 1 (twice): bins <0, =0, (0,1), =1, >1 and missing.
    p = (np.array([0, 3, 0, 1, 0, 0]) + 0.5) / 7
    q = (np.array([0, 1, 0, 3, 0, 0]) + 0.5) / 7
    assert psi(reference, current) == pytest.approx(float(np.sum((p - q) * np.log(p / q))))


def test_a_shift_is_seen_and_a_fresh_sample_is_not() -> None:
    report = drift_report(_frame(1), _frame(2, shift=1.0))
    assert [(f.feature, f.verdict) for f in report.features] == [
        ("steady", "stable"),
        ("moved", "drifted"),
        ("fixed", "stable"),
    ]
    assert [feature.feature for feature in report.drifted] == ["moved"]


@pytest.mark.parametrize("value", [2.0, 4.0, np.nan])
def test_a_constant_that_changes_or_goes_missing_has_drifted(value: float) -> None:
    assert "fixed" in {f.feature for f in drift_report(_frame(1), _frame(2).assign(fixed=value)).drifted}


def test_a_feature_without_any_value_is_judged_by_its_gaps() -> None:
    empty = pd.DataFrame({"x": np.full(300, np.nan)})
    assert drift_report(empty, empty).drifted == ()
    assert len(drift_report(empty, pd.DataFrame({"x": np.zeros(300)})).drifted) == 1


@pytest.mark.parametrize(("reference", "current"), [(199, 500), (500, 199), (0, 500)])
def test_under_200_rows_there_is_no_verdict(reference: int, current: int) -> None:
    report = drift_report(_frame(1, reference), _frame(2, current, shift=9))
    assert {(f.verdict, f.psi) for f in report.features} == {("too_few_rows", None)}
    assert {(f.n_reference, f.n_current) for f in report.features} == {(reference, current)}


def test_a_missing_feature_is_named() -> None:
    with pytest.raises(MissingFeatureError, match="no moved;"):
        drift_report(_frame(1), _frame(2).drop(columns="moved"))


def seasonal(day: int, mean: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    on = np.datetime64("2024-01-01") + day
    return pd.DataFrame({"cutoff_on": on, "x": rng.normal(mean, size=1000), "y": rng.normal(size=1000)})


def test_a_weekend_like_every_weekend_is_no_drift_and_another_one_is() -> None:
    days = pd.concat([seasonal(day, 0.8 * (day % 7 > 4), day) for day in range(28)])
    assert drift_report(days, seasonal(33, 0.8, 99)).drifted == ()
    assert [f.feature for f in drift_report(days, seasonal(33, 0.0, 99)).drifted] == ["x"]


def test_windows_that_differ_among_themselves_take_a_larger_shift() -> None:
    steady = pd.concat([seasonal(7 * week, 0.0, week) for week in range(12)])
    moving = pd.concat([seasonal(7 * week, 0.5 * (-1) ** week, week) for week in range(12)])
    assert [f.feature for f in drift_report(steady, seasonal(84, 0.5, 99)).drifted] == ["x"]
    assert drift_report(moving, seasonal(84, 0.5, 99)).drifted == ()


def test_an_alarm_takes_weight_in_the_model() -> None:
    importance = {"steady": 0.9, "moved": 0.0, "fixed": 0.1}
    unimportant = drift_report(_frame(1), _frame(2, shift=1.0), importance)
    assert ([f.feature for f in unimportant.drifted], unimportant.alarm) == (["moved"], False)
    assert drift_report(_frame(1), _frame(2, shift=1.0), {"steady": 0.5, "moved": 0.5}).alarm
    assert "matters too little" in summary(unimportant)
    assert "<td>moved</td><td>drifted</td>" in render(unimportant, "Drift <of> it")
    assert "Drift &lt;of&gt; it" in render(unimportant, "Drift <of> it")


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg() -> None:
    assert adjusted(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.02, 0.04, 0.04, 0.02])


@pytest.mark.integration
def test_windows_come_without_subjects_and_the_report_is_stored(database: Database) -> None:
    world.build(database)
    world.execute(
        database, "dbt", "update features.ftr_user_weekly set n_events_7d = 50 where cutoff_on = '2024-03-18'"
    )
    with database.connect("quality") as conn:
        reference, current = fetch_feature_windows(conn, [date(2024, 3, 11)], world.CUTOFF)
        report = drift_report(reference, current)
        record_drift(conn, report, run_key="run-1", cutoff_on=world.CUTOFF, now=world.NOW)
        stored = conn.execute("select feature, verdict from quality.drift_results where verdict = 'drifted'").fetchall()
    assert list(reference.columns) == [
        "cutoff_on", "n_events_7d", "n_events_28d", "n_events_90d", "days_since_last", "night_share",
    ]  # fmt: skip
    assert (len(reference), len(current)) == (world.SUBJECTS, world.SUBJECTS)
    assert stored == [("n_events_7d", "drifted")]
