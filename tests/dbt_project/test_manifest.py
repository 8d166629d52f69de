"""The project as dbt's manifest tells it: nothing is left unsaid, and whatever is gets found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import cloned
from tests.dbt_project.conftest import Event, Project, Runner
from tests.dbt_project.conventions import Manifest, Node, faults
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def manifest(template: Database, runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """What was parsed for the other tests, whose database has the same name."""
    folder = tmp_path_factory.mktemp("manifest")
    with cloned(template, f"dbt_{os.getpid()}") as clone:
        project = Project(clone, Settings.load(folder / "home"), folder / "target", runner)
        assert project.run("ls", "--resource-type", "exposure"), project.output.read_text()
    found: Manifest = json.loads((project.target / "manifest.json").read_text())
    return found


def test_everything_is_stated(manifest: Manifest) -> None:
    assert faults(manifest) == []


def _model(change: Callable[[Node], object]) -> Callable[[Manifest], object]:
    return lambda manifest: change(manifest["nodes"]["model.lethe.mart_active_users"])


PLANTED: dict[str, Callable[[Manifest], object]] = {
    "mart_active_users: no description": _model(lambda m: m.update(description=" ")),
    "mart_active_users: no grain": _model(lambda m: m["config"]["meta"].pop("grain")),
    "mart_active_users: no retention": _model(lambda m: m["config"]["meta"].update(retention="")),
    "mart_active_users: key nobody is no column": _model(lambda m: m["config"]["meta"].update(key=["nobody"])),
    "mart_active_users: n_visits has no description": _model(lambda m: m["columns"]["n_visits"].update(description="")),
    "mart_active_users: n_visits has no type": _model(lambda m: m["columns"]["n_visits"].update(data_type=None)),
    "mart_active_users: no contract": _model(lambda m: m["config"]["contract"].update(enforced=False)),
    "mart_active_users: access is protected": _model(lambda m: m.update(access="protected")),
    "mart_active_users: no group with an owner": _model(lambda m: m.update(group=None)),
    "mart_active_users: logic without a unit test": lambda m: m["unit_tests"].pop(
        "unit_test.lethe.mart_active_users.mart_active_users_counts_a_person_once"
    ),
    "mart_active_users: no k_anonymous test, and no reason in meta not_k_anonymous": lambda m: [
        m["nodes"].pop(name) for name in list(m["nodes"]) if name.startswith("test.lethe.k_anonymous_mart_active_users")
    ],
    "mart_storage_cost: no k_anonymous test, and no reason in meta not_k_anonymous": lambda m: m["nodes"][
        "model.lethe.mart_storage_cost"
    ]["config"]["meta"].update(not_k_anonymous=" "),
    "mart_active_users: a k_anonymous test, and a reason why there is none": _model(
        lambda m: m["config"]["meta"].update(not_k_anonymous="nobody looks at it")
    ),
    "ftr_user_weekly: recency_days states no unit": lambda m: [
        said.pop("unit", None)
        for column in [m["nodes"]["model.lethe.ftr_user_weekly"]["columns"]["recency_days"]]
        for said in (column["meta"], column["config"]["meta"])
    ],
    "mart_active_users: no exposure reads it": lambda m: m["exposures"]["exposure.lethe.product_dashboard"][
        "depends_on"
    ]["nodes"].remove("model.lethe.mart_active_users"),
    "event_days: no error_after": lambda m: m["sources"]["source.lethe.safe.event_days"]["freshness"].pop(
        "error_after"
    ),
    "event_days: no loaded_at_field": lambda m: m["sources"]["source.lethe.safe.event_days"].update(
        loaded_at_field=None
    ),
    "churn_model: model.lethe.ftr_user_weekly has another purpose": lambda m: m["nodes"]["model.lethe.ftr_user_weekly"][
        "config"
    ]["meta"].update(purpose="analytics"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_what_is_left_unsaid_is_found(manifest: Manifest, fault: str) -> None:
    changed = deepcopy(manifest)
    PLANTED[fault](changed)
    assert fault in faults(changed)


@pytest.mark.parametrize(("days_ago", "is_fresh"), [(0, True), (9, False)])
def test_a_source_without_new_events_is_stale(project: Project, days_ago: int, is_fresh: bool) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    project.replace_days([Event("e", "s", f"{at:%Y-%m-%d %H:%M}")])
    assert project.run("source", "freshness") is is_fresh, project.output.read_text()


def test_what_changed_is_found_with_its_children(manifest: Manifest, project: Project, tmp_path: Path) -> None:
    """What `make dbt-changed` selects, against a manifest of before."""
    before = deepcopy(manifest)
    before["nodes"]["model.lethe.agg_journey_steps"]["raw_code"] = "select 1"
    (tmp_path / "manifest.json").write_text(json.dumps(before))
    changed = ("--select", "state:modified+", "--state", str(tmp_path), "--resource-type", "model", "--output", "name")
    assert project.run("ls", *changed), project.output.read_text()
    models = {name.split(".")[2] for name in manifest["nodes"]}
    assert models & set(project.output.read_text().split()) == {"agg_journey_steps", "mart_journey_steps"}
