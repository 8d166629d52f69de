"""`lethe privacy anonymity` over files: what is refused, what is written, and that nothing else is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from orchestration import cli
from privacy.anonymity.measures import k_of

ROWS = pa.table(
    {
        "name": [f"person {n}" for n in range(60)],
        "age": [20 + n * 7 % 50 for n in range(60)],
        "town": ["Bern", "Basel", "Genf"] * 20,
        "illness": ["a", "b", "c", "d"] * 15,
        "visits": list(range(60)),
    }
)
ABOUT = ("--quasi", "age,town", "--sensitive", "illness")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    pyarrow.csv.write_csv(ROWS, path)
    return path


def lethe(*arguments: object) -> int:
    return cli.main(["privacy", "anonymity", *map(str, arguments)])


def test_a_table_in_which_people_stand_alone_is_refused_and_its_copy_is_not(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lethe("check", people, *ABOUT, "--l", 2) == cli.REFUSED
    said = capsys.readouterr()
    assert "k = 1: " in said.out
    assert "k is below 5; l is below 2" in said.err
    copy = tmp_path / "copy.parquet"
    assert lethe("anonymise", people, *ABOUT, "--l", 2, "--keep", "visits", "--to", copy) == cli.DONE
    assert "columns left out: name" in capsys.readouterr().out
    made = pyarrow.parquet.read_table(copy)
    assert made.column_names == ["age", "town", "illness", "visits"]
    assert made.num_rows == 60
    assert k_of(made, ["age", "town"]) >= 5
    assert lethe("check", copy, *ABOUT, "--l", 2, "--t", 0.9) == cli.DONE
    assert lethe("check", copy, *ABOUT, "--t", 0.01) == cli.REFUSED


def test_rows_of_one_person_are_no_crowd(people: Path) -> None:
    assert lethe("check", people, "--quasi", "town") == cli.DONE
    assert lethe("check", people, "--quasi", "town", "--subject", "town") == cli.REFUSED


def test_what_cannot_be_done_is_said_and_nothing_is_written(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, broken = tmp_path / "copy.csv", tmp_path / "broken.csv"
    broken.write_text("name,age\nAda Lovelace,36,1\n")
    for file, options in (
        (people, ("--quasi", "age,zip", "--to", copy)),
        (people, ("--quasi", "age", "--to", people)),
        (people, ("--quasi", "age", "--to", tmp_path / "copy.txt")),
        (people, ("--quasi", "age", "--k", 0, "--to", copy)),
        (broken, ("--quasi", "age", "--to", copy)),
        (tmp_path / "none.csv", ("--quasi", "age", "--to", copy)),
    ):
        assert lethe("anonymise", file, *options) == cli.USAGE, options
    assert lethe("anonymise", people, "--quasi", "age", "--k", 61, "--to", copy) == cli.REFUSED
    assert not copy.exists()
    assert "Lovelace" not in capsys.readouterr().err
