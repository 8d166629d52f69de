"""`lethe models`: what is written and refused on the command line; what is exported and approved is ml's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml.gates import VERDICTS, Verdict, dump
from ml.next_action import rungs
from ml.next_action.measures import sessions_of
from orchestration import cli, facts
from orchestration.platform import Platform, PlatformResource
from orchestration.training import four_eyes, promotion_policy, settle
from tests.ml import versions
from tests.ml.next_action import habits

pytestmark = [pytest.mark.integration]


@pytest.fixture
def home(platform: PlatformResource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Platform:
    """A home whose model two people approve, with one version."""
    monkeypatch.setenv("LETHE_FOUR_EYES", "churn")
    opened = platform.open()
    versions.register(opened.registry, tmp_path)
    return opened


def test_a_version_waits_is_approved_and_leaves_as_a_file(
    home: Platform, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def lethe(*arguments: str) -> tuple[int, str]:
        code = cli.main(["models", *arguments, "--home", str(home.home)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    folder = tmp_path / "embedded"
    code, text = lethe("export", "--to", str(folder))
    assert (code, "no champion yet" in text) == (cli.USAGE, True)
    decide = ("--model-version", "1", "--reason", "read", "--by")
    code, text = lethe("approve", *decide, "Ada")
    assert (code, "does not wait" in text) == (cli.USAGE, True)
    with home.journal() as journal:
        shown = settle(home, versions.passed(home.registry, 1), journal)
    assert (shown["version"], shown["decision"]) == (None, "incumbent stays")
    assert "lethe models approve --model-version 1" in shown["why"]
    assert "1 versions of churn wait" in lethe("waiting")[1]
    assert "another person has to approve it" in lethe("approve", *decide, "Ada")[1]
    code, text = lethe("approve", *decide, "ada")
    assert (code, "has approved this version already" in text) == (cli.USAGE, True)
    assert "it is champion now" in lethe("approve", *decide, "Grace")[1]
    code, text = lethe("export", "--to", str(folder))
    assert (code, "10,000 drawn rows" in text) == (cli.DONE, True)
    assert {path.name for path in folder.iterdir()} == {"model.json", "lethe_scorer.py", "lethe_scorer.js"}
    model = json.loads((folder / "model.json").read_text())
    assert (model["version"], model["columns"]) == (1, versions.COLUMNS)
    assert lethe("export", "--onnx", "--to", str(tmp_path / "onnx"))[0] == cli.DONE
    assert (tmp_path / "onnx" / "model.json").read_bytes() == (folder / "model.json").read_bytes()
    assert b"days_since_last_event" in (tmp_path / "onnx" / "model.onnx").read_bytes()
    code, text = lethe("export", "--to", str(folder))
    assert (code, "is not empty" in text) == (cli.USAGE, True)
    code, text = lethe("export", "--to", str(folder / "model.json" / "below"))
    assert (code, "cannot be used: Not a directory; name another" in text) == (cli.USAGE, True)


def test_a_refusal_and_a_gate_take_the_question_back(home: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    assert promotion_policy(home).approvals == 2
    decision = versions.passed(home.registry, 1)
    with home.journal() as journal:
        settle(home, decision, journal)
        people = four_eyes(home, journal)
        assert len(people.waiting(home.settings.now())) == 1
        refused = versions.refused(home.registry, 1)
        settle(home, refused, journal)
        assert people.waiting(home.settings.now()) == []
        settle(home, decision, journal)
    arguments = ["--model-version", "1", "--by", "Linus", "--reason", "unfair", "--home", str(home.home)]
    assert cli.main(["models", "refuse", *arguments]) == cli.DONE
    assert "will not be promoted" in capsys.readouterr().out
    with home.journal() as journal:
        assert "was refused by Linus" in settle(home, decision, journal)["why"]
    assert home.registry.champion() is None


def test_another_model_waits_and_is_approved_by_its_name(
    home: Platform, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    registry = home.registry_of("next_action")
    versions.register(registry, tmp_path, rungs.learn(rungs.CHAIN, sessions_of(habits.step_set(habits.rows(60)).known)))
    assert promotion_policy(home, "next_action").approvals == 0
    with home.journal() as journal:
        shown = settle(home, versions.passed(registry, 1), journal)
    assert "lethe models approve --model-version 1 --model next_action" in shown["why"]
    arguments = ["models", "approve", "--model-version", "1", "--reason", "read", "--home", str(home.home), "--by"]
    assert cli.main([*arguments, "Ada"]) == cli.USAGE, "the churn model's first version does not wait"
    for name in ("Ada", "Grace"):
        assert cli.main([*arguments, name, "--model", "next_action"]) == cli.DONE
    assert "it is champion now" in capsys.readouterr().out
    assert (registry.champion(), home.registry.champion()) == (1, None)


def test_a_rollback_is_one_command(home: Platform, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def rollback() -> tuple[int, str]:
        code = cli.main(["rollback", "--reason", "complaints since Monday", "--home", str(home.home)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    code, text = rollback()
    assert (code, "churn has no champion; promote one first" in text) == (cli.USAGE, True)
    home.registry.promote(1)
    code, text = rollback()
    assert (code, "no champion before version 1" in text) == (cli.USAGE, True)
    home.registry.promote(versions.register(home.registry, tmp_path))
    assert rollback() == (cli.DONE, "champion of churn: version 2 -> 1\n")
    assert facts.champion(home) == "churn version 1"
    code, text = rollback()
    assert (code, "no champion before version 1" in text) == (cli.USAGE, True)
    (journalled,) = [json.loads(line) for path in home.logs.iterdir() for line in path.read_text().splitlines()]
    assert journalled["event"] == "MODEL_COMPARED"
    assert journalled["decision"] == "Rolled back from 2 to 1"
    assert journalled["reasoning"] == "complaints since Monday"


def test_what_the_gates_measured_is_shown_with_three_decimals(home: Platform) -> None:
    registry = home.registry
    registry.promote(1)
    shown = facts.model_facts(home)
    assert shown is not None
    assert shown["verdicts"] == ["calibrated passed"], "a version from before verdicts were kept as data"
    verdict = Verdict("calibrated", True, 0.0123999, 0.05, "expected calibration error")
    registry.note(1, {VERDICTS: dump([verdict])})
    shown = facts.model_facts(home)
    assert shown is not None
    assert shown["verdicts"] == ["calibrated passed: 0.012 against 0.05, 0.037 to spare (expected calibration error)."]
    assert [facts.short(figure) for figure in (1234567.0, 3.0, 0.0005961, 0.0)] == ["1.23457e+06", "3", "0.000596", "0"]
