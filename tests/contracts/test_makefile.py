"""What people type: `make help` lists every target, and what targets run exists. Nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestration.arguments import parser

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here, so nobody types it")


def make(*arguments: str) -> str:
    """What make prints; a make around this test has no say in it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout


def test_help_lists_every_target_with_words() -> None:
    listed = dict(line.split(maxsplit=1) for line in make("help").splitlines())
    assert {"help", "run", "up", "down", "test", "check", "bench"} <= listed.keys()
    assert make() == make("help"), "who types make alone is told what there is"


@pytest.mark.parametrize("target", ["run", "up", "down"])
def test_a_target_is_a_command_of_the_home(target: str) -> None:
    *_, last = make("--dry-run", target, "LETHE_HOME=/some/where").splitlines()
    program, *arguments = last.split()
    assert program == ".venv/bin/lethe"
    options = parser().parse_args(arguments)
    assert (options.handler, options.home) == (target, Path("/some/where"))


def test_check_and_test_run_every_tool() -> None:
    steps = make("--dry-run", "test")
    for tool in ("ruff check", "ruff format --check", "lint-imports", "mypy", "sqlfluff lint"):
        assert f".venv/bin/{tool}" in make("--dry-run", "check")
        assert f".venv/bin/{tool}" in steps
    assert len(re.findall(r"python -m pytest", steps)) == 2, "all tests, and those of the database on another server"
    assert "tests.server" in steps
    assert make("--dry-run", "bench").strip().endswith(".venv/bin/python -m benchmarks")
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()
