"""Staging views as Parquet files: each type as Spark reads it, and a type that no file is written for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from warehouse.database import Database
from warehouse.spark.parquet import NotExportableError, export

pytestmark = pytest.mark.integration
VIEW = """
create view staging.stg_some as select 'it''s, "so"' as word, 2::smallint as small, 3 as whole, 4::bigint as large,
    0.000001::numeric as figure, 0.1::double precision as share, date '2024-02-29' as event_day, true as is_so,
    timestamptz '2024-02-29 23:59:59.000001+00' as at, '[0.5,-1]'::vector as embedding, null::text as nothing
"""


def test_every_type_of_a_staging_view_has_a_file(database: Database, tmp_path: Path) -> None:
    with database.connect("dbt") as conn:
        conn.execute(VIEW.encode())
        assert export(conn, tmp_path) == {"staging.stg_some": 1, "safe.event_days": 0, "safe.exclusions": 0}
    table = pq.read_table(tmp_path / "staging.stg_some.parquet")
    assert table.to_pylist() == [
        {
            "word": 'it\'s, "so"', "small": 2, "whole": 3, "large": 4, "figure": Decimal("0.000001"), "share": 0.1,
            "event_day": date(2024, 2, 29), "is_so": True, "at": datetime(2024, 2, 29, 23, 59, 59, 1, UTC),
            "embedding": [0.5, -1.0], "nothing": None,
        }
    ]  # fmt: skip
    assert str(table.schema.field("embedding").type) == "list<element: float>"


def test_a_type_that_no_file_is_written_for_is_named(database: Database, tmp_path: Path) -> None:
    with database.connect("dbt") as conn:
        conn.execute("create view staging.stg_odd as select inet '127.0.0.1' as address")
        with pytest.raises(NotExportableError, match=r"staging.stg_odd.address is inet"):
            export(conn, tmp_path)
