"""`lethe privacy identities`: which ids are one person. Wiring only: what a merge does, is privacy/merging.py."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.commands import AddCommand
from orchestration.privacy.readers import add_reader, reader_of
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.platform import Platform

HELP = "which ids are one person: merge, show, what waits for a steward"


def add(actions: Any, command: AddCommand) -> None:
    """Add the actions of this area."""
    merging = command(actions, "merge", "make two ids one person; there is no way back")
    merging.add_argument("alias", metavar="ALIAS", help="the id that the person is no longer known by")
    merging.add_argument("user", metavar="USER", help="the id that the person goes by")
    merging.add_argument("--by", required=True, help="who decides it; kept")
    merging.add_argument("--reason", required=True, help="why; kept, so it must not name the person")
    merging.set_defaults(run=merge)
    showing = command(actions, "show", "every id of a person")
    showing.add_argument("user", metavar="USER", help="one of the ids")
    add_reader(showing)
    showing.set_defaults(run=show)
    waiting = command(actions, "conflicts", "stated aliases that would join people who are known apart")
    add_reader(waiting)
    waiting.set_defaults(run=conflicts)


def merge(settings: Settings, options: argparse.Namespace) -> int:
    """A steward's merge."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy.merging import merge as merge_ids

    platform = Platform.open(settings)
    _refuse_erased(platform, {options.alias, options.user})
    with platform.database.connect("privacy") as conn:
        done = merge_ids(conn, options.alias, options.user, by=options.by, reason=options.reason, at=settings.now())
    if not done.n_merged:
        say("both ids were one person already; nothing changed")
        return DONE
    say(f"both ids are one person now; the next run transforms {done.n_days:,} days again")
    return DONE


def show(settings: Settings, options: argparse.Namespace) -> int:
    """Print the ids of a person, the one they go by first."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy import access_log
    from privacy.identities import by_person, every_id, people_of

    platform = Platform.open(settings)
    with platform.database.connect("privacy") as conn:
        person = by_person([options.user], people_of(conn, [options.user]))[options.user]
        ids = every_id(conn, [person])
        reader = reader_of(options, "privacy identities show")
        access_log.record(
            conn, platform.vault, reader, at=settings.now(), place="privacy.identity_merges",
            n_rows=len(ids), subject=options.user,
        )  # fmt: skip
    for name in ids:
        say(name)
    return DONE


def conflicts(settings: Settings, options: argparse.Namespace) -> int:
    """Print what waits for a steward."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from privacy import access_log, merging

    platform = Platform.open(settings)
    with platform.database.connect("privacy") as conn:
        found = merging.conflicts(conn)
        reader = reader_of(options, "privacy identities conflicts")
        access_log.record(
            conn, platform.vault, reader, at=settings.now(), place="privacy.identity_merges",
            n_rows=len(found), subject=None,
        )  # fmt: skip
    for alias, user, source, stated_at in found:
        say(f"{alias} -> {user}  stated by {source}, {stated_at:%Y-%m-%d}")
    say(f"{len(found)} wait for a steward")
    return DONE


def _refuse_erased(platform: Platform, ids: set[str]) -> None:
    from orchestration.privacy.erasure import ledger_of
    from privacy.errors import IdentityInputError

    if ledger_of(platform).is_erased(ids, platform.settings.now()):
        raise IdentityInputError("one of the ids was erased: it is not written down again")
