"""Feature sets as the dbt project states them: complete facts, a version that follows the definition only."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

from ml.feature_sets import IncompleteFeatureError, UnknownFeatureSetError, find_feature_set, read_feature_sets

PROJECT = Path(__file__).parents[2] / "dbt_project"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what defines the features, to change."""
    for folder in ("macros", "models"):
        copytree(PROJECT / folder, tmp_path / folder)
    return tmp_path


def changed(project: Path, file: str, old: str, new: str) -> str:
    """The version of user_activity after a change of a file."""
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return find_feature_set(project, "user_activity").version


def test_every_feature_set_is_complete_and_a_manifest_says_what_is_in_it() -> None:
    sets = read_feature_sets(PROJECT)
    for found in sets.values():
        assert found.features
        for feature in found.manifest():
            assert feature["unit"]
            assert feature["source_columns"]
            assert 0 <= feature["window_days"] <= 365
    user = sets["user_activity"]
    assert (user.model, user.entity, user.cutoff, len(user.features)) == ("ftr_user_weekly", "subject", "cutoff_on", 38)
    assert {"user_behavior", "user_ai", "user_security", "user_fraud"} <= sets.keys()
    sessions = next(f for f in user.features if f.name == "n_sessions_28d")
    assert (sessions.type, sessions.unit, sessions.window_days) == ("double precision", "sessions", 28)
    assert "agg_user_day.n_bursts" in sessions.source_columns


def test_an_unknown_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownFeatureSetError, match=r"no feature set user_activities: known are .*user_activity"):
        find_feature_set(PROJECT, "user_activities")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("macros/features.sql", "d.age <= 90", "d.age <= 91"),
        ("macros/sessions.sql", "interval '30 minutes'", "interval '31 minutes'"),
        ("macros/user_days.sql", "hour_of_day < 7", "hour_of_day < 6"),
        ("models/aggregates/agg_user_day_superseded.sql", "v.last_known_on >=", "v.last_known_on >"),
        ("models/staging/stg_training_events.sql", "subject is not null", "true"),
        ("models/features/ftr_user_weekly.yml", "window_days: 7,", "window_days: 8,"),
    ],
)
def test_another_definition_is_another_version(project: Path, file: str, old: str, new: str) -> None:
    before = find_feature_set(project, "user_activity").version
    assert before == find_feature_set(PROJECT, "user_activity").version
    assert changed(project, file, old, new) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models/features/ftr_user_weekly.yml", "Distinct actions.", "Different actions."),
        ("models/features/ftr_user_weekly.sql", "-- Features of", "-- The features of"),
        ("macros/features.sql", "Windows are days", "A window is days"),
        ("macros/k_anonymity.sql", "{%- macro", "{%-  macro"),
        ("models/features/lbl_user_churn.sql", "a.cutoff_on + 28", "a.cutoff_on + 29"),
    ],
)
def test_prose_and_other_models_change_no_version(project: Path, file: str, old: str, new: str) -> None:
    before = find_feature_set(project, "user_activity").version
    (project / file).write_text((project / file).read_text().replace(old, new, 1))
    assert find_feature_set(project, "user_activity").version == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("window_days: 7, ", "", "n_events_7d states no window_days"),
        ("purpose: model_training, class: pseudonymized, retention: ml_training_data,\n", "\n", "states no purpose"),
    ],
)
def test_a_feature_without_its_facts_is_refused(project: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(IncompleteFeatureError, match=message):
        changed(project, "models/features/ftr_user_weekly.yml", old, new)
