"""Figures of models beside the bars they are held against, and the command line that measures some of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ml.intervals import Figure
from warehouse.settings import Settings


@dataclass(frozen=True, slots=True)
class BarFigure:
    """One figure with its interval, its unit, the bar it is held against and what stands beside it."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    bar: float | None = None
    note: str = ""
    at_most: bool = False  # the bar is the greatest value that will do


Parts = Mapping[str, tuple[Callable[[Path], list[BarFigure]], ...]]


def row(name: str, found: Figure, unit: str, bar: float | None = None, note: str = "") -> BarFigure:
    return BarFigure(name, found.value, found.low, found.high, unit, bar, note)


def report(parts: Parts, protocol: str | None) -> None:
    """Measure the parts that the command line names on the folder it names; a table, then one JSON object."""
    parser = argparse.ArgumentParser(description=protocol, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=Settings.load().shared_data or "../shared/data")
    parser.add_argument("--only", nargs="+", choices=sorted(parts), default=list(parts))
    options = parser.parse_args()
    figures = [found for name in options.only for part in parts[name] for found in part(Path(options.folder))]
    for found in figures:
        held = "" if found.bar is None else f"bar {found.bar:g}"
        print(f"{found.name:<46} {found.value:.4f} [{found.low:.4f}, {found.high:.4f}] {held:<10} {found.note}")
    print(json.dumps({"figures": [asdict(found) for found in figures]}))
