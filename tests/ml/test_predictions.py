"""Scoring refuses what it cannot do truthfully and replaces its own earlier try."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from ml.predictions import (
    PURPOSE,
    NoChampionError,
    NothingToScoreError,
    feature_digests,
    fetch_newest,
    write_pending,
)
from tests.ml import features_table, synthetic
from warehouse.database import Database

pytestmark = [pytest.mark.integration]
FRAME = synthetic.frame(40, 3)
FEATURES = Path(__file__).parents[2] / "dbt_project" / "models" / "features" / "ftr_user_weekly.yml"


def test_only_the_newest_cutoff_is_scored(database: Database) -> None:
    features_table.create(database, FRAME, unlabelled=True)
    with database.connect("ml") as conn:
        rows = fetch_newest(conn, ["n_events_28d"])
    assert len(rows) == 40
    assert set(rows["cutoff_on"]) == {max(FRAME["cutoff_on"]) + pd.Timedelta(days=28)}


def test_a_feature_that_is_gone_is_named(database: Database) -> None:
    features_table.create(database, FRAME)
    with database.connect("ml") as conn, pytest.raises(NoChampionError, match="n_logins"):
        fetch_newest(conn, ["n_events_28d", "n_logins"])


def test_bots_alone_are_not_scored(database: Database) -> None:
    features_table.create(database, FRAME.assign(is_bot=True))
    with database.connect("ml") as conn, pytest.raises(NothingToScoreError, match="dbt build"):
        fetch_newest(conn, ["n_events_28d"])


def test_writing_again_replaces_and_stays_pending(database: Database) -> None:
    evidence = {"feature_digest": [b"1", b"2"], "reason_codes": [["+days_since_last"], []]}
    with database.connect("ml") as conn:
        for probability in (0.2, 0.4):
            scored = pd.DataFrame({"subject": ["a", "b"], "probability": probability} | evidence)
            write_pending(conn, ("churn", 1, synthetic.START), scored, synthetic.AT, "2:7")
        found = conn.execute(
            "select probability, state, feature_digest, reason_codes, purpose, consent_basis"
            " from ml.predictions order by subject"
        ).fetchall()
    assert found == [
        (0.4, "pending", b"1", ["+days_since_last"], "model_training", "2:7"),
        (0.4, "pending", b"2", [], "model_training", "2:7"),
    ]


def test_a_digest_tells_every_change_of_a_feature_and_nothing_else() -> None:
    rows = pd.DataFrame({"a": [1.0, 1.0, -0.0, float("nan")], "b": [2.0, 2.5, 0.0, 1.0], "other": [1, 2, 3, 4]})
    digests = feature_digests(rows, ["a", "b"])
    assert len(set(digests)) == 4
    assert feature_digests(rows.assign(other=9)[::-1], ["a", "b"])[::-1] == digests
    assert feature_digests(rows.assign(a=rows["a"] + 0.0), ["a", "b"]) == digests
    assert not set(feature_digests(rows.rename(columns={"b": "c"}), ["a", "c"])) & set(digests)


def test_the_purpose_is_that_of_the_features() -> None:
    """dbt states what its features are for, ml states it with each prediction."""
    (model,) = yaml.safe_load(FEATURES.read_text())["models"]
    assert model["meta"]["purpose"] == PURPOSE
