"""Scoring refuses what it cannot do truthfully and replaces its own earlier try."""

from __future__ import annotations

import pandas as pd
import pytest

from ml.predictions import NoChampionError, NothingToScoreError, fetch_newest, write_pending
from tests.ml import features_table, synthetic
from warehouse.database import Database

pytestmark = [pytest.mark.integration]
FRAME = synthetic.frame(40, 3)


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
    day = synthetic.START
    with database.connect("ml") as conn:
        for probability in (0.2, 0.4):
            scored = pd.DataFrame({"subject": ["a", "b"], "probability": probability})
            write_pending(conn, "churn", 1, day, scored, synthetic.AT)
        found = conn.execute("select probability, state from ml.predictions order by subject").fetchall()
    assert found == [(0.4, "pending"), (0.4, "pending")]
