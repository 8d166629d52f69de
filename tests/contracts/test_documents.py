"""What the documents say exists: commands, make targets, variables, links; and no address in the lock."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from orchestration.arguments import parser

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Every command line prefix (`run`, `quarantine list`) with its parser."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                nested = commands(sub)
                found |= {f"{name} {inner}": p for inner, p in nested.items()} if nested else {name: sub}
    return found


KNOWN = commands(parser())


def mentioned(text: str) -> list[str]:
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(
        r"^(?:\$ )?(.*)$", "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.S)), re.M
    )
    return [line.strip() for line in code if re.match(r"\s*lethe [a-z]", line)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_exists(document: Path) -> None:
    for line in mentioned(document.read_text()):
        words = line.split()[1:]
        prefixes = [" ".join(words[:n]) for n in (3, 2, 1)]
        name = next((prefix for prefix in prefixes if prefix in KNOWN or prefix == "COMMAND"), None)
        assert name is not None, f"{document.name}: {line}"
        options = {o for o in re.findall(r"--[a-z-]+", line) if o != "--help"}
        known = {o for action in KNOWN[name]._actions for o in action.option_strings} if name in KNOWN else set()
        assert options <= known, f"{document.name}: {line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:$|[`,;:.#\n]))", document.read_text(), re.M)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert target.startswith("http") or (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_of_code_that_is_named_exists(document: Path) -> None:
    places = (ROOT, document.parent, *(ROOT / package for package in ("docs", "dbt_project")))
    for name in re.findall(r"`([\w./]+/[\w.]+\.(?:py|sql|yml|yaml|md))`", document.read_text()):
        assert any((place / name).exists() for place in places), f"{document.name}: {name}"


def test_every_command_has_a_help_text() -> None:
    assert len(KNOWN) > 10
    for name, command in KNOWN.items():
        assert command.description, name
        for action in command._actions:
            assert action.help or not action.option_strings, f"{name} {action.option_strings}"


def test_every_command_is_documented() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    assert [name for name in KNOWN if f"lethe {name}" not in text] == []


def test_every_variable_in_a_document_is_read() -> None:
    settings = (ROOT / "warehouse" / "settings.py").read_text() + (ROOT / "orchestration" / "dbt.py").read_text()
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    named = {name for name in re.findall(r"LETHE_[A-Z_]+[A-Z]", text) if not name.startswith("LETHE_POSTGRES")}
    assert {name for name in named if name not in settings} == set()


def test_the_lock_names_no_host() -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links", (ROOT / "constraints.txt").read_text())
