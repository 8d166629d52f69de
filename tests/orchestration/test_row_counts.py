"""Rows of a dbt model beside its asset: exact where counting is cheap, an estimate that says so where it is not."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration import row_counts
from orchestration.row_counts import counted, rows_of
from warehouse.database import Database

pytestmark = pytest.mark.integration
TABLE = "create table features.ftr_small as select n from generate_series(1, 300) n"


def test_a_built_model_says_how_many_rows_it_has(database: Database) -> None:
    built = dg.Output(None, output_name="x", metadata={"unique_id": "model.lethe.ftr_small"})
    observed = dg.AssetObservation("a")
    with database.connect("dbt", autocommit=True) as conn:
        conn.execute(TABLE)
        told, same = list(counted([built, observed], conn))
    assert told.metadata["dagster/row_count"].value == 300
    assert told.metadata["unique_id"].value == "model.lethe.ftr_small"
    assert same is observed


def test_a_large_table_is_not_read_and_a_view_has_no_rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.connect("dbt", autocommit=True) as conn:
        conn.execute(TABLE)
        conn.execute("create view features.ftr_view as select * from features.ftr_small")
        assert rows_of(conn, "ftr_view") == {}
        monkeypatch.setattr(row_counts, "COUNTED_BYTES", 100)
        assert rows_of(conn, "ftr_small") == {}, "nobody has looked at it yet"
        conn.execute("analyze features.ftr_small")
        assert rows_of(conn, "ftr_small") == {"estimated_row_count": 300}
