"""`lethe privacy identities`: which ids are one person. Wiring only: what a merge does, is privacy/merging.py."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.commands import AddCommand
from orchestration.privacy.readers import add_reader, reader_of
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.privacy.services.identities import IdentityService
    from privacy.merging import Merged

HELP = "which ids are one person: merge, show, what waits for a steward"


def add(actions: Any, command: AddCommand) -> None:
    """Add the actions of this area."""
    merging = command(actions, "merge", "make two ids one person; there is no way back")
    merging.add_argument("alias", metavar="ALIAS", help="the id that the person is no longer known by")
    merging.add_argument("user", metavar="USER", help="the id that the person goes by")
    merging.add_argument("--by", required=True, help="who decides it; kept")
    merging.add_argument("--reason", required=True, help="why; kept, so it must not name the person")
    merging.set_defaults(run=merge)
    many = command(actions, "merge-file", "make the ids of each line of a file one person, all or none")
    many.add_argument("file", type=Path, metavar="FILE", help="JSON Lines: alias, user")
    many.add_argument("--by", required=True, help="who decides them; kept")
    many.add_argument("--reason", required=True, help="why; kept, so it must not name a person")
    many.set_defaults(run=merge_file)
    showing = command(actions, "show", "every id of a person")
    showing.add_argument("user", metavar="USER", help="one of the ids")
    add_reader(showing)
    showing.set_defaults(run=show)
    waiting = command(actions, "conflicts", "stated aliases that would join people who are known apart")
    add_reader(waiting)
    waiting.set_defaults(run=conflicts)


def merge(settings: Settings, options: argparse.Namespace) -> int:
    """A steward's merge."""
    pair = (options.alias, options.user)
    return _say_merged(_service(settings).merge([pair], by=options.by, reason=options.reason))


def merge_file(settings: Settings, options: argparse.Namespace) -> int:
    """All merges of a file, or none."""
    return _say_merged(_service(settings).merge_file(options.file, by=options.by, reason=options.reason))


def show(settings: Settings, options: argparse.Namespace) -> int:
    """Print the ids of a person, the one they go by first."""
    from orchestration.handlers import say

    for name in _service(settings).ids_of(options.user, reader_of(options, "privacy identities show")):
        say(name)
    return DONE


def conflicts(settings: Settings, options: argparse.Namespace) -> int:
    """Print what waits for a steward."""
    from orchestration.handlers import say

    found = _service(settings).conflicts(reader_of(options, "privacy identities conflicts"))
    for alias, user, source, stated_at in found:
        say(f"{alias} -> {user}  stated by {source}, {stated_at:%Y-%m-%d}")
    say(f"{len(found)} wait for a steward")
    return DONE


def _say_merged(done: Merged) -> int:
    from orchestration.handlers import say

    if not done.n_merged:
        say("the ids were one person already; nothing changed")
        return DONE
    say(f"{done.n_merged:,} merged; the next run transforms {done.n_days:,} days again")
    return DONE


def _service(settings: Settings) -> IdentityService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.identities import IdentityService

    return IdentityService(Platform.open(settings))
