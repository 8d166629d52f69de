"""The project as analysts read it: every model described, keyed, tested, short, and with its purpose stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dbt_project.conftest import PROJECT

MODELS = sorted((PROJECT / "models").rglob("*.sql"))


def described(model: Path) -> dict[str, Any]:
    """The model's own yml beside it."""
    document: dict[str, Any] = yaml.safe_load(model.with_suffix(".yml").read_text())
    found: dict[str, Any] = document["models"][0]
    return found | {"unit_tests": document.get("unit_tests", [])}


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.stem)
def test_every_model_is_described_keyed_and_tested(model: Path) -> None:
    facts = described(model)
    assert facts["name"] == model.stem
    assert facts["description"].strip()
    assert {"grain", "key", "purpose", "class", "retention"} <= facts["meta"].keys()
    assert all(column["description"].strip() for column in facts["columns"])
    assert set(facts["meta"]["key"]) <= {column["name"] for column in facts["columns"]}
    assert facts["unit_tests"][0]["model"] == model.stem
    assert len(model.read_text().splitlines()) < 80
    if not model.stem.startswith("stg_"):
        tests = {name for test in facts["data_tests"] for name in test}
        assert "is_key" in tests
        assert tests & {"holds", "sums_to"}, "an arithmetic identity"


def test_every_feature_states_unit_and_window() -> None:
    columns = described(PROJECT / "models/features/ftr_user_weekly.sql")["columns"]
    features = [c for c in columns if c["name"] not in ("cutoff_on", "subject", "company", "is_bot")]
    assert len(features) == 38
    for column in features:
        assert {"unit", "window_days", "purpose", "class", "retention"} <= column["meta"].keys()
        assert column["meta"]["window_days"] <= 365


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.stem)
def test_json_is_read_in_staging_only(model: Path) -> None:
    text = model.read_text()
    assert model.parent.name == "staging" or not any(mark in text for mark in ("json", "->", "data"))


def test_nothing_stores_failing_rows_and_telemetry_is_off() -> None:
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    assert settings["flags"]["send_anonymous_usage_stats"] is False
    assert settings["data_tests"]["lethe"]["+store_failures"] is False
