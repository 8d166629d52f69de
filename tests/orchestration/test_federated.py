"""`lethe federated train` and its job in this process, on a real database: words, files, and noise from the ledger."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import artifacts
from ml.federated.protection import PERSON, SILO, Protection
from ml.federated.training import Plan
from orchestration import cli
from orchestration.federated import drawing
from orchestration.federated_jobs import federated_churn_job
from orchestration.platform import PlatformResource
from privacy.budget import archive, ledger
from tests.ml import features_table, synthetic
from warehouse.database import Database

pytestmark = pytest.mark.integration
ACCOUNT = ledger.Account("features.ftr_user_weekly", "federated_training", "2026-Q4")
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(platform: PlatformResource, database: Database, capsys: pytest.CaptureFixture[str]) -> Run:
    features_table.create(database, synthetic.frame(120, 6).assign(company=companies(120, 6)))

    def command(*arguments: str) -> tuple[int, str]:
        code = cli.main(["federated", "train", "--rounds", "2", *arguments, "--home", platform.home])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return command


def companies(n_subjects: int, n_cutoffs: int) -> list[str]:
    """Four companies, so that rounds are quick."""
    return [f"c{i % 4}" for i in range(n_subjects)] * n_cutoffs


def grant(platform: PlatformResource) -> None:
    with platform.open().database.connect("privacy") as conn:
        ledger.grant(conn, ledger.Grant(ACCOUNT, 3.0, 1e-6, "officer", "trial"), now=platform.open().settings.now())


def test_a_training_says_what_it_compared_and_writes_a_model(run: Run, tmp_path: Path) -> None:
    code, text = run("--to", str(tmp_path / "model.skops"))
    assert code == 0, text
    assert "4 companies with" in text
    assert all(word in text for word in ("federated: nobody saw", "central: all rows", "local only"))
    assert "c1" not in text
    steps = artifacts.load_allowed(tmp_path / "model.skops").named_steps
    assert list(steps) == ["impute", "log", "scale", "classify"]


def test_a_wish_that_cannot_be_met_is_wrong_usage(run: Run) -> None:
    for wish in (("--threshold", "1"), ("--unit", "person"), ("--unit", "silo"), ("--rounds", "0")):
        code, text = run(*wish)
        assert code == cli.USAGE, text
    code, text = run("--unit", "person", "--method", "gradient", "--period", "2026-Q4")
    assert code == cli.USAGE
    assert "lethe privacy budget grant" in text


def test_noise_is_paid_for_before_it_is_drawn(run: Run, platform: PlatformResource) -> None:
    grant(platform)
    wish = ("--unit", "person", "--method", "gradient", "--period", "2026-Q4", "--parts", "2")
    assert run(*wish)[0] == 0
    with platform.open().database.connect("privacy") as conn:
        (spend,) = ledger.history(conn, ACCOUNT.dataset)
        budget = ledger.budget_of(conn, ACCOUNT)
        assert spend.cost.rho == budget.share(2)
        assert spend.released_at is not None
        row = conn.execute("select query_digest from privacy.budget_spends").fetchone()
        assert row is not None
        recorded = archive.find(conn, row[0])
    assert recorded is not None
    assert recorded.facts["unit"] == "person"
    assert "intercept" in recorded.values
    assert run(*wish)[0] == 0
    code, text = run(*wish)
    assert code == cli.REFUSED
    assert "nothing was drawn" in text


@pytest.mark.parametrize(("unit", "method"), [(PERSON, "gradient"), (SILO, "update")])
def test_the_noise_of_enough_silos_costs_what_was_paid(unit: str, method: str) -> None:
    """rho = sensitivity^2 / (2 variance), composed over the rounds, of the noise of a threshold of silos."""
    rounds, threshold, rho = 5, 7, Decimal("0.4")
    protection = Protection(unit, 0.5)
    noise = drawing(Plan(("a",), method, rounds, protection=protection), protection, threshold, rho)
    spent = 0.0
    for kind, times in (("statistics", 1), (method, rounds)):
        variance = threshold * float(np.var(np.array(noise(kind, 4_000), dtype=np.float64)))
        spent += times * protection.sensitivity(kind) ** 2 / (2 * variance)
    assert spent == pytest.approx(0.4, rel=0.15)  # 4,000 draws know a variance to 2 %


@pytest.mark.usefixtures("run")
def test_the_job_shows_the_figures_and_no_company(platform: PlatformResource) -> None:
    config = {"ops": {"federated_churn": {"config": {"rounds": 2}}}}
    done = federated_churn_job.execute_in_process(config, resources={"platform": platform})
    (event,) = [event for event in done.all_events if event.event_type_value == "STEP_OUTPUT"]
    found: dict[str, Any] = {name: value.value for name, value in event.step_output_data.metadata.items()}
    assert (found["silos"], found["threshold"], found["answers_missing"]) == (4, 3, 0)
    assert 0.5 < found["auc_federated"] <= 1
    assert "federated minus central" in found["auc"]
    assert "c1" not in str(found)
