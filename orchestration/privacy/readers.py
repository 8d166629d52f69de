"""Who reads people's data by a command: the name given, or that of the account on this machine. It logs nothing."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privacy.access_log import Reader

# Commands that show or hand out what is held on people. Each writes privacy.access_log before it does; the others show
# counts, rules and states only. A contract test knows every command of both kinds.
READS_PEOPLE = frozenset({
    "quarantine show",
    "privacy consent show",
    "privacy consent history",
    "privacy consent receipt",
    "privacy identities show",
    "privacy identities conflicts",
    "privacy requests show",
    "privacy requests run",
    "privacy requests export",
    "privacy erasure plan",
    "privacy breaches mark",
    "privacy breaches notify",
    "privacy osint due",
})  # fmt: skip


def add_reader(parser: argparse.ArgumentParser) -> None:
    """Options of a command that reads people's data."""
    parser.add_argument("--by", metavar="NAME", help="who looks; kept (default: the name of your account here)")
    parser.add_argument("--purpose", default="not said", help="what for; kept, so it must not name the person")


def reader_of(options: argparse.Namespace, command: str) -> Reader:
    """Who reads, as the access log keeps it."""
    from privacy.access_log import Reader

    return Reader(options.by or account(), getattr(options, "purpose", "not said"), command)


def account() -> str:
    """The name of the account that runs this process, or its number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
