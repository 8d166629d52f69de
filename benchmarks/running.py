"""One benchmark in a process of its own, bounded in time, and what it measured as rows. What there is: __main__.py."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parent
INSTALL_SECONDS = 600
GRACE_SECONDS = 30


def others_data() -> Path:
    """The folder of data that others made, which need not be there."""
    return Path(Settings.load().shared_data or ROOT.parent / "shared" / "data")


class BenchmarkError(Exception):
    """A benchmark that gave no figure; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: whose, what, how much, and the bar it is held against (None: shown beside)."""

    name: str
    value: float | None
    unit: str
    bar: float | None = None
    note: str = ""
    less_is_better: bool = False

    @property
    def verdict(self) -> str:
        """Whether the bar is met; a row without a figure is skipped, and its note says why."""
        if self.value is None:
            return "skipped"
        if self.bar is None:
            return ""
        return "met" if (self.value <= self.bar if self.less_is_better else self.value >= self.bar) else "MISSED"


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs modules of this folder until a moment of the monotonic clock; none may take longer than that."""

    ends_at: float

    def text(self, module: str, *arguments: str) -> str:
        """What a module printed. Raises BenchmarkError when it fails or its time is over; its children end with it."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise BenchmarkError("not begun: its time was over")
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        started = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
        )
        try:
            printed, complaint = started.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"stopped after {left:,.0f} s, its limit") from None
        finally:
            _end(started)
        if started.returncode:
            said = [line.strip() for line in complaint.splitlines() if line.strip()] or ["without a word"]
            raise BenchmarkError(f"failed with {started.returncode}: {said[-1][:200]}")
        return printed

    def document(self, module: str, *arguments: str) -> dict[str, Any]:
        """The JSON object that a module prints as its last line. Raises BenchmarkError."""
        lines = self.text(module, *arguments).strip().splitlines()
        try:
            found = json.loads(lines[-1])
        except (IndexError, ValueError):
            found = None
        if not isinstance(found, dict):
            raise BenchmarkError(f"benchmarks.{module} printed no JSON object as its last line")
        return found


def rows_of(name: str, measure: Callable[[Runner], list[Row]], seconds: float) -> list[Row]:
    """The rows of one benchmark; where it gives none, one row that says why. Never raises for what a benchmark does."""
    try:
        return measure(Runner(time.monotonic() + seconds))
    except BenchmarkError as error:
        return [Row(name, None, "", note=str(error))]
    except (LookupError, TypeError, ValueError, OSError) as error:  # it printed something else than it is read for
        return [Row(name, None, "", note=f"its figures could not be read: {type(error).__name__}: {error}")]


def interpreter_with(name: str, imported: str, *packages: str) -> tuple[str | None, str]:
    """An interpreter of an environment of its own in which `imported` works, and else why there is none."""
    folder = HERE / ".venvs" / name
    python = folder / "bin" / "python"
    if _can_import(python, imported):
        return str(python), ""
    uv = str(Path(sys.executable).with_name("uv"))
    try:
        for command in (
            [uv, "venv", "--quiet", "--clear", str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), *packages],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"{name} could not be installed: {type(error).__name__}"
    return (str(python), "") if _can_import(python, imported) else (None, f"{name} was installed and does not start")


def _can_import(python: Path, imported: str) -> bool:
    return (
        python.exists()
        and not subprocess.run(
            [str(python), "-c", f"import {imported}"], check=False, capture_output=True, timeout=INSTALL_SECONDS
        ).returncode
    )


def _end(started: subprocess.Popen[str]) -> None:
    """End what still runs: asked first, so that it takes its database down, then with its whole process group."""
    if started.poll() is None:
        started.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.communicate(timeout=GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.communicate()  # its pipes are read to their end and closed
