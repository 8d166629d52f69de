"""The import rules are seen to fail: each contract meets the violation it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("warehouse", "collection", "privacy", "quality", "ml", "orchestration")
VIOLATIONS = [
    ("Stages meet at tables", "collection", "import privacy"),
    ("Nothing imports orchestration", "warehouse", "import collection"),
    ("Nothing imports orchestration", "ml", "import orchestration"),
    ("dagster only in orchestration", "privacy", "import dagster"),
    ("great_expectations only in quality", "orchestration", "import great_expectations"),
    ("mlflow only in ml", "quality", "import mlflow"),
]


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as empty modules under the project's own contracts: fast, and nothing but the plant is wrong."""
    folder = tmp_path_factory.mktemp("skeleton")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("lint-imports"))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_skeleton_keeps_every_contract(skeleton: Path) -> None:
    assert lint(skeleton).returncode == 0, lint(skeleton).stdout


@pytest.mark.parametrize(("contract", "package", "line"), VIOLATIONS)
def test_a_violation_breaks_its_contract(skeleton: Path, contract: str, package: str, line: str) -> None:
    planted = skeleton / package / "planted.py"
    planted.write_text(line + "\n")
    try:
        done = lint(skeleton)
    finally:
        planted.unlink()
    assert done.returncode != 0
    assert any(contract in text and "BROKEN" in text for text in done.stdout.splitlines()), done.stdout
