"""Planted fraud in the feature table is flagged in ml.risk_scores, with reasons and no value of a sign."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ml.families.risk import SIGNS, NoSignsError
from ml.risk_scores import rescore
from tests.ml.families.test_risk import planted
from warehouse.database import Database

NOW = datetime(2024, 6, 4, tzinfo=UTC)


@pytest.mark.integration
def test_planted_fraud_lands_flagged_in_its_table(database: Database) -> None:
    signs = planted(200)
    with database.connect("ml") as conn, pytest.raises(NoSignsError, match="is not built"):
        rescore(conn, scored_at=NOW)
    with database.connect("dbt", autocommit=True) as conn:
        columns = ", ".join(f"{name} float8" for name in SIGNS)
        conn.execute(f"create table features.ftr_user_fraud_weekly (cutoff_on date, subject text, {columns})")
    with database.connect("ml") as conn, pytest.raises(NoSignsError, match="nobody agreed"):
        rescore(conn, scored_at=NOW)
    with database.connect("dbt", autocommit=True) as conn:
        rows = [
            (day, f"s{at:03}", *row)
            for day in ("2024-05-27", "2024-06-03")
            for at, row in enumerate(signs.to_numpy().tolist())
        ]
        places = ", ".join(["%s"] * len(rows[0]))
        conn.cursor().executemany(f"insert into features.ftr_user_fraud_weekly values ({places})", rows)
    with database.connect("ml") as conn:
        for _ in range(2):
            scored = rescore(conn, scored_at=NOW)
        found = conn.execute(
            "select subject, reasons, cutoff_on from ml.risk_scores where is_flagged order by risk desc"
        ).fetchall()
        count = conn.execute("select count(*), count(distinct cutoff_on) from ml.risk_scores").fetchone()
    assert count == (200, 1)
    assert {row[0] for row in found[:3]} == {"s000", "s001", "s002"}
    assert {row[2] for row in found} == {date(2024, 6, 3)}
    assert {"automation", "sharing", "payment"} <= {row[1][0]["kind"] for row in found[:3]}
    assert sum(scored.kinds().values()) <= scored.n_flagged == len(found)
    assert all(set(reason) == {"code", "kind", "part", "says"} for row in found for reason in row[1])
