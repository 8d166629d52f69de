"""The size of files and functions, reported; and the environment read in one place."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("warehouse", "collection", "privacy", "quality", "ml", "orchestration")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def functions(path: Path) -> list[tuple[str, int]]:
    tree = ast.parse(path.read_text())
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        (f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1) for node in found
    ]


def test_files_can_be_read_in_one_sitting() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    sizes = sorted(n for path in SOURCES for _, n in functions(path))
    print(f"{len(lengths)} files, median {statistics.median(lengths.values()):.0f} lines")
    print(f"{len(sizes)} functions, median {statistics.median(sizes):.0f} lines, p90 {sizes[int(len(sizes) * 0.9)]}")
    assert {name: n for name, n in lengths.items() if n > 300} == {}


def test_every_module_says_what_it_is() -> None:
    assert [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_the_environment_is_read_in_one_module() -> None:
    readers = [
        str(p.relative_to(ROOT)) for p in SOURCES if "os.environ" in p.read_text() or "os.getenv" in p.read_text()
    ]
    assert readers == ["warehouse/settings.py"]
