"""The jobs over a table in a file: figures and a picture, a failed run for what must not be released, and no value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.csv
import pyarrow.parquet
import pytest

from orchestration.privacy.anonymity_jobs import anonymise_job, anonymity_check_job
from privacy.anonymity.measures import k_of
from tests.orchestration.privacy.test_anonymity import ROWS

pytestmark = pytest.mark.once


@pytest.fixture
def wish(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "people.csv"
    pyarrow.csv.write_csv(ROWS, file)
    return {"file": str(file), "quasi": ["age", "town"], "sensitive": "illness", "l": 2}


def run(job: dg.JobDefinition, op: str, wish: dict[str, Any]) -> dg.ExecuteInProcessResult:
    return job.execute_in_process({"ops": {op: {"config": wish}}}, raise_on_error=False)


def test_a_table_in_which_people_stand_alone_fails_and_its_copy_does_not(wish: dict[str, Any], tmp_path: Path) -> None:
    refused = run(anonymity_check_job, "anonymity_check", wish)
    (failed,) = [event for event in refused.all_events if event.is_step_failure]
    said = failed.step_failure_data.user_failure_data
    assert said is not None
    assert said.description == "k is below 5; l is below 2: this table must not be released"
    assert (said.metadata["k"].value, said.metadata["rows_at_risk"].value) == (1, 60)
    copy = tmp_path / "copy.parquet"
    made = run(anonymise_job, "anonymise", {**wish, "to": str(copy), "keep": ["visits"]})
    table = pyarrow.parquet.read_table(copy)
    assert (made.output_for_node("anonymise"), table.column_names) == (60, ["age", "town", "illness", "visits"])
    checked = run(anonymity_check_job, "anonymity_check", {**wish, "file": str(copy)})
    assert checked.output_for_node("anonymity_check") == k_of(table, ["age", "town"]) >= 5
    for done in (made, checked):
        (output,) = [event for event in done.all_events if event.is_successful_output]
        assert "data:image/svg+xml" in str(output.step_output_data.metadata["class_sizes"].value)
    assert not any(word in str(r.all_events) for r in (refused, made, checked) for word in ("person 1", "Basel"))


def test_rows_that_allow_no_class_and_a_file_that_is_there_are_refused(wish: dict[str, Any], tmp_path: Path) -> None:
    copy = tmp_path / "copy.parquet"
    assert not run(anonymise_job, "anonymise", {**wish, "k": 61, "to": str(copy)}).success
    assert not copy.exists()
    copy.write_text("mine")
    assert not run(anonymise_job, "anonymise", {**wish, "to": str(copy)}).success
    assert copy.read_text() == "mine"
