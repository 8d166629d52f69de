"""What a run shows a person: each stage on the terminal, counts and plots on its assets."""

from __future__ import annotations

import json
import re

import pytest

from tests.integration.conftest import Completed
from warehouse.database import ADMIN, Database

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("completed")]

STAGES = (
    "intake", "raw__system_logs", "quality__raw_in", "privacy_transform", "dbt_build", "quality__features_out",
    "churn_model", "ml__predictions", "quality__predictions_out", "ml__published_predictions",
)  # fmt: skip
COUNTED = (
    "raw/system_logs", "safe/pseudonymous_events", "safe/anonymous_events", "ml/training_set", "ml/predictions",
    "ml/published_predictions", "sessions/ses_sessions", "aggregates/agg_company_day", "features/ftr_user_weekly",
)  # fmt: skip
DRAWN = (
    "raw/system_logs", "quality/raw_in", "quality/features_out", "quality/predictions_out", "ml/churn_candidate",
    "ml/churn_monitoring",
)  # fmt: skip


def test_progress_names_every_stage_as_it_begins_and_ends(completed: Completed) -> None:
    said = completed.finished.err
    began = [found for stage in STAGES if (found := re.search(rf"^\[ *[\d.]+ s\] {stage} \.\.\.$", said, re.M))]
    assert [found.start() for found in began] == sorted(found.start() for found in began)
    assert len(began) == len(STAGES), said
    for stage in STAGES:
        assert re.search(rf"^\[ *[\d.]+ s\] {stage} done in [\d.]+ s$", said, re.M), stage


def test_assets_show_row_counts_and_plots(completed: Completed) -> None:
    shown = metadata(completed.home.database())
    rows = {key: int(str(shown[key]["dagster/row_count"]["value"])) for key in COUNTED}
    assert [key for key, n in rows.items() if n == 0] == []
    assert rows["raw/system_logs"] == completed.finished.summary["stored_total"]
    pictures = {key: [text for entry in shown[key].values() if "data:image/" in (text := str(entry))] for key in DRAWN}
    assert [key for key, found in pictures.items() if not found] == []


def metadata(database: Database) -> dict[str, dict[str, dict[str, object]]]:
    """What Dagster stored beside the first materialisation of each asset, by label: other tests run the home again,
    and a gate with no changed days has nothing to draw."""
    query = (
        "select asset_key, event from dagster.event_logs"
        " where dagster_event_type = 'ASSET_MATERIALIZATION' order by id desc"
    )
    with database.connect(ADMIN) as conn:
        events = [(json.loads(key), json.loads(event)) for key, event in conn.execute(query.encode()).fetchall()]
    found = {}
    for key, event in events:
        made = event["dagster_event"]["event_specific_data"]["materialization"]
        entries = made.get("metadata_entries") or []
        found["/".join(key)] = {entry["label"]: {**entry, **entry.get("entry_data", {})} for entry in entries}
    return found
