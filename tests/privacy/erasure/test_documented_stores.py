"""The table of stores in docs/erasure.md is true: every store the code knows is in a row that says what is done."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from privacy.erasure.assets import SEARCHED
from privacy.erasure.sweep import DERIVED, LEFT_OUT
from privacy.erasure.targets import TARGETS, Rule
from privacy.retention.files import FILE_STORES
from warehouse.roles import SCHEMAS

ROOT = Path(__file__).parents[3]
PACKAGES = ("collection", "privacy", "quality", "ml", "orchestration", "warehouse")
ABSENT = "no such store"
# The kinds that an erasure must answer for, as the requirement lists them.
KINDS = {
    "raw events", "quarantine", "panes", "safe", "dbt models", "features", "predictions", "feedback",
    "training snapshots", "MLflow", "Dagster", "Great Expectations", "journals", "exports", "landing files",
    "archive tiers", "caches",
}  # fmt: skip


def rows(text: str) -> dict[str, list[str]]:
    """Kind -> the other cells of its row."""
    table = text.split("## Every kind of store")[1].split("## ", maxsplit=1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in cells[2:]}


DOCUMENTED = rows((ROOT / "docs" / "erasure.md").read_text())


def row_of(place: str, documented: dict[str, list[str]]) -> list[str] | None:
    """The row that names a table, or a folder of the home by its name and a slash; an exact name before a pattern."""
    named = [(pattern, row) for row in documented.values() for pattern in re.findall(r"`([\w.*/-]+)`", row[0])]
    exact = [row for pattern, row in named if pattern == place]
    return next(iter([*exact, *(row for pattern, row in named if fnmatch(place, pattern))]), None)


def folders() -> set[str]:
    """Folders directly below a home that any code names, those left to the server and the vault aside."""
    code = "\n".join(file.read_text() for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    named = set(re.findall(r"""home / "([\w-]+)"(?! *\)\.(?:open|exists|write|read))""", code))
    named |= {store.pattern.split("/")[0] for store in FILE_STORES} | set(DERIVED)
    return {f"{name}/" for name in named if "." not in name} - {f"{name}/" for name in LEFT_OUT}


def test_every_kind_has_a_row_and_what_does_not_exist_has_no_store() -> None:
    assert set(DOCUMENTED) >= KINDS
    absent = {kind for kind, cells in DOCUMENTED.items() if cells[0] == ABSENT}
    assert absent == {"panes", "archive tiers"}
    migrations = "\n".join(file.read_text() for file in (ROOT / "warehouse" / "migrations").glob("*.sql"))
    tables = set(re.findall(r"create table (?:if not exists )?([\w.]+)", migrations))
    assert len(tables) > 40
    for word in ("pane", "archive", "tier"):
        assert not [name for name in (*tables, *folders()) if word in name]
    assert all(cells[0] == ABSENT or (cells[1] and cells[2]) for cells in DOCUMENTED.values())


def test_every_target_is_in_a_row_that_says_so() -> None:
    for target in TARGETS:
        row = row_of(target.table, DOCUMENTED)
        assert row is not None, target.table
        said = "kept" in row[1] or "stays" in row[1] if target.rule is Rule.KEEP else "target" in row[1]
        assert said, target.table
        assert "counted" in row[2] or target.rule is Rule.KEEP, target.table


def test_every_schema_and_folder_is_in_a_row() -> None:
    for schema in SCHEMAS:
        tables = {target.table for target in TARGETS if target.table.startswith(f"{schema.name}.")}
        assert all(row_of(table, DOCUMENTED) for table in tables or {f"{schema.name}.any"}), schema.name
    assert all(row_of(f"{tool}.any", DOCUMENTED) for tool in SEARCHED)
    assert folders() >= {"logs/", "exports/", "dagster/", "mlflow/", "dbt/", "erasures/", "breaches/", "reports/"}
    assert [name for name in folders() if row_of(name, DOCUMENTED) is None] == []


@pytest.mark.parametrize("lost", ["ml.model_feedback", "features.ftr_user_weekly", "safe.text_embeddings", "logs/"])
def test_a_store_that_nobody_wrote_down_is_seen(lost: str) -> None:
    shorter = {kind: cells for kind, cells in DOCUMENTED.items() if row_of(lost, {kind: cells}) is None}
    assert row_of(lost, shorter) is None
    assert len(shorter) == len(DOCUMENTED) - 1
