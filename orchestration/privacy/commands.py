"""`lethe privacy AREA ACTION`: which areas there are. Each area's module adds its actions and holds their handlers."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any, Protocol

from orchestration.privacy import verify

AREAS: tuple[str, ...] = (
    "consent", "budget", "keys", "anonymity", "identities", "requests", "erasure", "retention", "breaches",
    "multi_party", "osint",
)  # fmt: skip


class AddCommand(Protocol):
    """Adds one action with --home and returns its parser; the caller sets its `run` to (settings, options) -> code."""

    def __call__(self, actions: Any, name: str, text: str) -> argparse.ArgumentParser: ...


def add_areas(commands: Any, command: AddCommand) -> None:
    """Add every area. A module of an area has HELP, and `add(actions, command)`; it imports no heavy library."""
    privacy = commands.add_parser(
        "privacy", help="consent, keys, identities, retention, requests of people, breaches, proofs"
    )
    areas = privacy.add_subparsers(required=True, metavar="AREA")
    for area in AREAS:
        module = import_module(f"orchestration.privacy.{area}")
        parser = areas.add_parser(area.replace("_", "-"), help=module.HELP)
        module.add(parser.add_subparsers(required=True, metavar="ACTION"), command)
    verify.add(areas, command)
