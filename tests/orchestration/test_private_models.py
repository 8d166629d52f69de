"""`lethe models private`: paid from a granted budget, written with its promise, and the same again at no cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.private_models import DATASET, PURPOSE
from tests.ml import features_table, synthetic

pytestmark = [pytest.mark.integration]
COLUMNS = {"days_since_last_event": "recency_days", "tenure_days": "tenure_days_365d"}
GRANT = ("--epsilon", "3", "--delta", "1e-6", "--by", "officer", "--reason", "to hand a model out")


def test_a_private_model_is_paid_for_written_and_found_again(
    platform: PlatformResource, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    opened = platform.open()
    features_table.create(opened.database, synthetic.frame(200, 6).rename(columns=COLUMNS))

    def lethe(*arguments: str) -> tuple[int, str]:
        code = cli.main([*arguments, "--home", str(opened.home)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    def private(name: str, *more: str) -> tuple[int, str]:
        return lethe("models", "private", "--to", str(tmp_path / name), "--period", "2026-Q4", *more)

    code, text = private("refused")
    assert (code, "budget" in text) == (cli.USAGE, True)
    assert not (tmp_path / "refused").exists()
    account = (DATASET, "--purpose", PURPOSE, "--period", "2026-Q4")
    assert lethe("privacy", "budget", "grant", *account, *GRANT)[0] == cli.DONE
    code, text = private("model")
    assert (code, "epsilon 3 at delta 1e-06" in text) == (cli.DONE, True), text
    files = {path.name for path in (tmp_path / "model").iterdir()}
    assert files == {"model.json", "privacy.json", "lethe_scorer.py", "lethe_scorer.js"}
    model = json.loads((tmp_path / "model" / "model.json").read_text())
    assert model["columns"] == ["n_events_28d", "recency_days", "tenure_days_365d"]
    promise = json.loads((tmp_path / "model" / "privacy.json").read_text())
    assert 2.9 < promise["epsilon"] <= 3
    assert private("again")[0] == cli.DONE, "the same weights are found, though nothing is left to pay with"
    assert json.loads((tmp_path / "again" / "model.json").read_text()) == model
    code, text = private("another", "--parts", "2")
    assert (code, "budget" in text) == (cli.REFUSED, True)
    code, text = private("model")
    assert (code, "is not empty" in text) == (cli.USAGE, True)
