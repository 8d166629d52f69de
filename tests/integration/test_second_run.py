"""A second run finds nothing to do and says so; one new day rewrites that day and what depends on it, no more."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.conftest import Completed
from warehouse.database import ADMIN, Database

MAPPING = """
source: one_more_day
fields:
  id: id
  user_id: user_id
  company_id: company_id
  event_type: event_type
  event_source: event_source
  action: action
  created_at: {timestamp: created_at}
  data_classification: {constant: non_personal}
  retention_policy: {constant: medium_term}
consent:
  purposes: [analytics, model_training, personalization, sharing]
  reason: They agreed when they signed up on this day.
"""
N_NEW = 190  # as many as on any other day of the simulation


@pytest.mark.integration
@pytest.mark.xdist_group("completed")
def test_a_second_run_materialises_nothing_and_says_so(completed: Completed) -> None:
    assert completed.finished.code == 0, completed.finished.err
    database = completed.home.database()
    runs = count(database, "dagster.runs")
    second = completed.home.run("run", "--events", "40000", "--json")
    assert second.code == 0
    assert "nothing new: every table is up to date" in second.err
    assert second.summary["materialised"] is False
    assert second.summary["events"]["read"] == 0
    assert second.summary["model"] == completed.finished.summary["model"]
    assert count(database, "dagster.runs") == runs, "not even an empty run is made"


def count(database: Database, table: str) -> int:
    """Rows of a table."""
    with database.connect(ADMIN) as conn:
        row = conn.execute(f"select count(*) from {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.integration
@pytest.mark.xdist_group("changing")
def test_one_new_day_rewrites_that_day_only(changing: Completed, tmp_path: Path) -> None:
    database = changing.home.database()
    new_on = newest_day(database) + timedelta(days=1)
    before = written_by(database)
    run = changing.home.run("run", *one_day(tmp_path, new_on), "--json")
    assert run.code == 0, run.err
    assert run.summary["events"]["stored"] == N_NEW
    assert run.summary["days"] == 1
    after = written_by(database)
    rewritten = {key for key in before | after if before.get(key) != after.get(key)}
    assert ("safe.pseudonymous_events", new_on) in rewritten
    assert {key for key in rewritten if key[1] < not_before(key[0], new_on)} == set()


def not_before(table: str, new_on: date) -> date:
    """The first day or cutoff of a table that an event on `new_on` can change."""
    reach = {"features.lbl_user_churn": 28, "sessions.ses_sessions": 1, "aggregates.agg_user_fragments": 1}
    return new_on - timedelta(days=reach.get(table, 0))


def newest_day(database: Database) -> date:
    """The newest event day."""
    with database.connect(ADMIN) as conn:
        row = conn.execute("select max(event_day) from raw.event_days").fetchone()
    assert row is not None
    found: date = row[0]
    return found


def one_day(folder: Path, day: date) -> list[str]:
    """Arguments that import one day of people who were not there before."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    file, mapping = folder / "day.jsonl", folder / "day.yaml"
    events = [
        {
            "id": f"new-{day}-{i}", "user_id": f"newcomer-{i % 19}", "company_id": "newcomers", "event_type": "ui",
            "event_source": "web", "action": "open", "created_at": (moment + timedelta(minutes=i)).isoformat(),
        }
        for i in range(N_NEW)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    mapping.write_text(MAPPING)
    return [str(file), "--mapping", str(mapping)]


PARTED_BY = {
    "raw.system_logs": "event_day",
    "safe.pseudonymous_events": "event_day",
    "safe.anonymous_events": "event_day",
    "safe.exclusions": "event_day",
    "safe.event_days": "event_day",
    "sessions.ses_sessions": "started_on",
    "aggregates.agg_user_day": "event_day",
    "aggregates.agg_company_day": "event_day",
    "features.ftr_user_weekly": "cutoff_on",
    "features.lbl_user_churn": "cutoff_on",
}


def written_by(database: Database) -> dict[tuple[str, date], str]:
    """The transactions that wrote the rows of each day or cutoff: equal means that no row was touched."""
    found: dict[tuple[str, date], str] = {}
    with database.connect(ADMIN) as conn:
        for table, column in PARTED_BY.items():
            query = (
                f"select {column}, count(*) || ' rows of ' || string_agg(distinct xmin::text, ',')"
                f" from {table} group by 1"
            )
            found |= {(table, day): text for day, text in conn.execute(query.encode()).fetchall()}
    return found
