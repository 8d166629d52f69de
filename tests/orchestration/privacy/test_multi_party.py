"""`lethe privacy multi-party` and its job in this process: from an authority to a result that all parties have."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orchestration import cli
from orchestration.privacy.multi_party import labelled, words
from orchestration.privacy.multi_party_jobs import multi_party_job
from orchestration.privacy.services.multi_party import Part, join
from privacy.multi_party.computation import Computation, Result
from tests.privacy.multi_party.gathering import NAMES, computation

pytestmark = pytest.mark.integration
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> tuple[int, str]:
        code = cli.main(["privacy", "multi-party", *map(str, arguments), "--home", str(tmp_path / "home")])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return command


@pytest.fixture
def agreed(tmp_path: Path) -> Path:
    """A histogram among three parties, and each one's values."""
    for number, name in enumerate(NAMES):
        (tmp_path / f"{name}.txt").write_text("".join(f"{value}\n" for value in range(number, 30, 3)))
    parties = "".join(f"  - {{name: {p.name}, host: {p.host}, port: {p.port}}}\n" for p in computation().parties)
    file = tmp_path / "ages.yaml"
    file.write_text(f"name: ages\nstatistic: histogram\nedges: [10, 20]\nparties:\n{parties}")
    return file


def certified(run: Run, folder: Path) -> None:
    assert run("authority", "--folder", folder)[0] == 0
    for name in NAMES:
        assert run("request", name, "--folder", folder)[0] == 0
        assert run("sign", folder / f"{name}.request", "--name", name, "--folder", folder)[0] == 0


def test_from_an_authority_to_a_result(run: Run, agreed: Path, tmp_path: Path) -> None:
    """North is the command, west the job, south the function behind both."""
    folder = tmp_path / "keys"
    certified(run, folder)

    def wish(name: str) -> dict[str, Any]:
        values = str(tmp_path / f"{name}.txt")
        return {"computation": str(agreed), "party": name, "folder": str(folder), "values": values, "patience": 30.0}

    with ThreadPoolExecutor(2) as pool:
        south = pool.submit(join, Part(agreed, "south", folder, tmp_path / "south.txt", 30.0))
        config = {"ops": {"multi_party_statistic": {"config": wish("west")}}}
        west = pool.submit(multi_party_job.execute_in_process, config)
        arguments = [part for key, value in wish("north").items() if key != "computation"
                     for part in (f"--{key}", value)]  # fmt: skip
        code, text = run("join", agreed, *arguments, "--to", tmp_path / "result.txt")
    assert code == 0, text
    assert "histogram of ages, 30 values" in text
    assert (tmp_path / "result.txt").read_text() == "10.0\n10.0\n10.0\n"
    assert south.result()[1] == Result("histogram", (10.0, 10.0, 10.0), 30)
    (event,) = [e for e in west.result().all_events if e.event_type_value == "STEP_OUTPUT"]
    found = {name: value.value for name, value in event.step_output_data.metadata.items()}
    assert (found["numbers"], found["behind_it"], found["parties"]) == (3, 30, "north, south, west")
    assert "data:image/svg+xml" in str(found["bins"])


def test_a_rehearsal_runs_all_parties(run: Run, agreed: Path, tmp_path: Path) -> None:
    code, text = run("rehearse", agreed, "--values", *(f"{name}={tmp_path / name}.txt" for name in NAMES))
    assert code == 0, text
    assert "3 parties on this machine" in text


def test_wrong_input_is_said_in_words(run: Run, agreed: Path, tmp_path: Path) -> None:
    wishes: list[tuple[object, ...]] = [
        ("join", tmp_path / "absent", "--party", "north", "--folder", tmp_path, "--values", tmp_path / "north.txt"),
        ("join", agreed, "--party", "north", "--folder", tmp_path, "--values", tmp_path / "north.txt"),
        ("join", agreed, "--party", "east", "--folder", tmp_path, "--values", tmp_path / "north.txt"),
        ("rehearse", agreed, "--values", f"north={tmp_path / 'north.txt'}"),
        ("request", "North", "--folder", tmp_path),
    ]
    for wish in wishes:
        code, text = run(*wish)
        assert code == cli.USAGE, text
        assert text.startswith("lethe: ")


def test_long_results_are_cut_for_people_only() -> None:
    long = Computation("t", "sum", computation().parties, length=50)
    found = words(long, Result("sum", tuple(map(float, range(50))), 3))
    assert len(found) == 22
    assert "30 more" in found[20]
    bins = Computation("t", "histogram", computation().parties, edges=(1.0, 2.5))
    assert [label for label, _ in labelled(bins, Result("histogram", (1, 2, 3), 6))] == [
        "below 1", "1 to 2.5", "from 2.5",
    ]  # fmt: skip
