"""When a model is trained again: decided from reasons, each planted, and from what was observed on a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml import churn
from ml.intervals import Figure
from ml.performance import Performance
from orchestration import monitoring
from orchestration.monitoring import Champion, Observation
from orchestration.platform import PlatformResource
from orchestration.retraining import RetrainingPolicy, Trigger, decide
from quality.drift import drift_report

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEWEST = date(2026, 11, 16)
POLICY = RetrainingPolicy()
STATED = Figure(0.85, 0.83, 0.87)


def frame(shift: float, seed: int, n_rows: int = 1000) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"n_events_28d": draw.normal(shift, 1, n_rows), "recency_days": draw.normal(size=n_rows)})


KNOWN = frame(0, 3)
CHAMPION = Champion(
    3, churn.fit("logistic regression", KNOWN, KNOWN["n_events_28d"].to_numpy() < 0),
    (date(2026, 10, 19), date(2026, 10, 26)), NOW, {"n_events_28d": 0.04, "recency_days": 0.01}, STATED,
)  # fmt: skip


def observed(shift: float = 0.0) -> Observation:
    report = drift_report(frame(0, 1), frame(shift, 2), monitoring.weights(CHAMPION))
    return Observation(CHAMPION, NEWEST, report, (), 0.85, (), (), None)


def reasons(seen: Observation) -> list[str]:
    return [trigger.kind for trigger in monitoring.triggers(seen, POLICY)]


def test_a_healthy_champion_gives_no_reason() -> None:
    assert reasons(observed()) == []
    assert decide([], asked_at=None, now=NOW, policy=POLICY).text == "nothing to train for"


def test_each_reason_is_found_alone() -> None:
    low = Performance(3, NEWEST, 500, Figure(0.7, 0.66, 0.74))
    assert reasons(observed(2.0)) == ["drift"]
    assert reasons(replace(observed(), performance=(low,))) == ["performance"]
    assert reasons(replace(observed(), estimated_auc=0.7)) == ["estimated performance"]
    assert reasons(replace(observed(), new_features=("n_prompts_7d",))) == ["new features"]
    assert reasons(replace(observed(), recovered=("raw_in",))) == ["recovered data"]
    assert reasons(replace(observed(), tainted="version 3 is tainted")) == ["tainted"]
    assert reasons(replace(observed(), ending="version 3 is near its term")) == ["term"]


def test_a_performance_that_may_be_chance_is_no_reason() -> None:
    unsure = Performance(3, NEWEST, 500, Figure(0.8, 0.75, 0.84))
    few = Performance(3, NEWEST, 50, None)
    assert reasons(replace(observed(), performance=(unsure, few))) == []


def test_ten_triggers_at_once_ask_for_one_run_that_names_them_all() -> None:
    triggers = [Trigger(f"kind {i}", f"cause {i}", 0.01) for i in range(10)]
    decided = decide(triggers, asked_at=None, now=NOW, policy=POLICY)
    assert decided.train
    assert all(f"cause {i}" in decided.text for i in range(10))
    again = decide(list(reversed(triggers)), asked_at=None, now=NOW, policy=POLICY)
    assert again.key == decided.key, "the same causes have the same key, which Dagster runs once"


def test_a_gain_below_the_cost_is_no_training() -> None:
    decided = decide([Trigger("drift", "a little drift", 0.002)], asked_at=None, now=NOW, policy=POLICY)
    assert not decided.train
    assert "expected gain 0.0020 AUC does not exceed the cost of 0.0020" in decided.text


@pytest.mark.parametrize(("ago", "asks"), [(timedelta(days=6, hours=23), False), (timedelta(days=7), True)])
def test_a_training_within_the_week_is_a_cool_down(ago: timedelta, asks: bool) -> None:
    decided = decide([Trigger("drift", "drift", 0.01)], asked_at=NOW - ago, now=NOW, policy=POLICY)
    assert decided.train is asks
    assert asks or "a training was asked for 2026-11-13" in decided.text


def test_a_person_who_is_gone_waits_for_no_cool_down_and_asks_once_a_day() -> None:
    gone = [Trigger("tainted", "version 3 is tainted", must=True)]
    first = decide(gone, asked_at=NOW, now=NOW, policy=POLICY)
    assert first.train
    assert decide(gone, asked_at=NOW, now=NOW + timedelta(hours=1), policy=POLICY).key == first.key
    assert decide(gone, asked_at=NOW, now=NOW + timedelta(days=1), policy=POLICY).key != first.key


def test_what_the_sensor_remembers_comes_back() -> None:
    assert monitoring.parse(monitoring.dump(NOW)) == NOW
    assert monitoring.parse(monitoring.dump(None)) is None
    assert monitoring.parse(None) is None


@pytest.mark.integration
def test_a_training_by_hand_cools_down_as_well(platform: PlatformResource) -> None:
    opened = platform.open()
    seen = observed(2.0)
    assert monitoring.judge(opened, seen, None).train
    for name, ago in (("next_action-1", 1), ("churn-6", 6), ("churn-30", 30)):
        with opened.database.connect("ml") as conn:
            conn.execute(
                "insert into ml.training_sets values (%s, '', '{}', 1, 1, %s)",
                (name, opened.settings.now() - timedelta(days=ago)),
            )
    decided = monitoring.judge(opened, seen, opened.settings.now() - timedelta(days=40))
    assert not decided.train
    assert "2026-11-14, the next not before 2026-11-21" in decided.text


FEATURES = """
create table features.ftr_user_weekly as
select c.on_day as cutoff_on, 's' || i as subject, 'c' as company, false as is_bot,
  (i % 30 + c.shift)::float8 as n_events_28d, (i % 7)::float8 as recency_days
from (values (date '2026-10-19', 0), (date '2026-10-26', 0), (date '2026-11-16', 40)) c(on_day, shift),
  generate_series(1, 300) i
"""


@pytest.mark.integration
def test_a_planted_shift_is_measured_and_kept(platform: PlatformResource) -> None:
    opened = platform.open()
    assert monitoring.newest_cutoff(opened) is None, "nothing to judge before the first build"
    with opened.database.connect("dbt") as conn:
        conn.execute(FEATURES.encode())
    assert monitoring.newest_cutoff(opened) == NEWEST
    gone = KNOWN.rename(columns={"recency_days": "a_column_that_is_gone"})
    unscored = replace(CHAMPION, pipeline=churn.fit("logistic regression", gone, KNOWN["n_events_28d"].to_numpy() < 0))
    for _ in range(2):  # again: replaced, not added
        report, estimated, columns = monitoring.measure(opened, unscored, NEWEST)
    assert [f.feature for f in report.drifted] == ["n_events_28d"]
    assert (estimated, columns) == (None, ["n_events_28d", "recency_days"])
    with opened.database.connect("quality") as conn:
        kept = conn.execute("select feature, verdict from quality.drift_results order by 1").fetchall()
    assert kept == [("n_events_28d", "drifted"), ("recency_days", "stable")]
    report, estimated, _ = monitoring.measure(opened, CHAMPION, NEWEST)
    assert [f.feature for f in report.drifted] == [monitoring.SCORE, "n_events_28d"], "the model's output moved too"
    assert estimated is not None
