"""Definitions are written once: MetricFlow, asked for a metric, says what the mart that publishes it says."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from benchmarks.running import HERE, interpreter_with
from tests.dbt_project.conftest import PROJECT, Project
from tests.dbt_project.histories import events_of_every_kind

pytestmark = pytest.mark.integration

SELECTED = (
    "--indirect-selection", "cautious", "--exclude-resource-type", "test", "-s", "stg_days", "+mart_active_users",
    "+mart_feature_usage", "+mart_ai_performance", "+mart_mrr_movements", "+mart_subscriptions",
)  # fmt: skip
AI = ("exchange__ai_model", "exchange__intent", "exchange__prompt_template")


@dataclass(frozen=True, slots=True)
class Question:
    """Metrics and what they are asked by, and SQL whose rows are: the same groups as text, then the same figures."""

    metrics: tuple[str, ...]
    group_by: tuple[str, ...]
    published: str


QUESTIONS = (
    Question(
        ("active_users", "weekly_active_users", "monthly_active_users", "stickiness", "events", "visits"),
        ("metric_time__day",),
        "select event_day, n_daily_users, n_weekly_users, n_monthly_users, stickiness, n_events, n_visits"
        " from marts.mart_active_users",
    ),
    Question(
        ("active_users",),
        ("metric_time__week",),
        "select distinct week_on, n_active_users from marts.mart_feature_usage",
    ),
    Question(
        ("ai_exchanges", "ai_succeeded_exchanges", "ai_success_rate", "ai_edit_rate", "ai_tokens", "ai_cost"),
        ("metric_time__day", *AI),
        "select event_day, ai_model, intent, prompt_template, n_exchanges, n_succeeded, success_rate, edit_rate,"
        " n_tokens, total_cost from marts.mart_ai_performance",
    ),
    Question(
        ("mrr", "mrr_change"),
        ("metric_time__month",),
        "select month_on, mrr_end, mrr_change from marts.mart_mrr_movements",
    ),
    Question(
        ("subscriptions", "trials", "converted_trials", "trial_conversion_rate"),
        ("subscription_period__plan",),
        "select plan, n_subscriptions, n_trials, n_trials_converted, trial_to_paid_rate from marts.mart_subscriptions",
    ),
)  # fmt: skip


@pytest.fixture(scope="session")
def metricflow() -> str:
    """The interpreter of an environment with MetricFlow, made when there is none."""
    python, why_not = interpreter_with("metricflow", "dbt_metricflow", "-r", str(HERE / "metricflow.txt"))
    if python is None:
        pytest.skip(why_not)
    return python


def test_every_metric_is_what_its_mart_publishes(project: Project, metricflow: str) -> None:
    log = events_of_every_kind(Random(3), 300, 0, 20) + events_of_every_kind(Random(4), 100, 40, 60)  # noqa: S311
    project.replace_days(log)
    project.build(*SELECTED)
    asked_for = {metric for question in QUESTIONS for metric in question.metrics}
    manifest = json.loads((project.target / "semantic_manifest.json").read_text())
    assert {metric["name"] for metric in manifest["metrics"]} - asked_for == {"ai_edited_exchanges"}, "a part of a rate"
    for question, rows in zip(QUESTIONS, asked(project, metricflow), strict=True):
        answers = {
            tuple(_text(row[group]) for group in question.group_by): [row[metric] for metric in question.metrics]
            for row in rows
        }
        published = project.rows(question.published)
        assert published, question.published
        for row in published:
            groups, figures = row[: len(question.group_by)], row[len(question.group_by) :]
            found = answers[tuple(_text(group) for group in groups)]
            assert [_number(figure) for figure in found] == [_number(figure) for figure in figures], (question, groups)


def asked(project: Project, python: str) -> list[list[dict[str, str | None]]]:
    """What MetricFlow answers, from the manifest of the last build."""
    folder = project.target.parent / "metricflow"
    (folder / "target").mkdir(parents=True)
    shutil.copy(PROJECT / "profiles.yml", folder)
    (folder / "dbt_project.yml").write_text("name: lethe\nprofile: lethe\n")
    shutil.copy(project.target / "semantic_manifest.json", folder / "target")
    done = subprocess.run(
        [python, str(HERE / "metricflow_peer.py")],
        input=json.dumps({"project": str(folder), "queries": [[q.metrics, q.group_by] for q in QUESTIONS]}),
        env=project.environment() | {"DBT_TARGET_PATH": str(Path(folder, "target"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[list[dict[str, str | None]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _text(group: object) -> str:
    return str(group).removesuffix(" 00:00:00").removesuffix("T00:00:00")


def _number(figure: object) -> Decimal | None:
    """To six decimals, as rates are published."""
    return None if figure is None else round(Decimal(str(figure)), 6)
