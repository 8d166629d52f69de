"""`lethe privacy osint`: bring findings from public sources, see which are due. Wiring only; nothing is fetched."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.commands import AddCommand
from orchestration.privacy.readers import account, add_reader, reader_of
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.privacy.services.osint import OsintService

HELP = "findings from public sources: bring them in files, see which are due to be looked for again"


def add(actions: Any, command: AddCommand) -> None:
    """Add the actions of this area."""
    bringing = command(actions, "import", "take findings in, of people who agreed; sealed under each person's key")
    bringing.add_argument("file", metavar="FILE", type=Path, help="JSON Lines: user_id, kind, finding, found_at")
    bringing.add_argument("--source", required=True, metavar="NAME", help="where they were found, like github")
    bringing.add_argument("--by", metavar="NAME", help="who brings them; kept (default: the name of your account here)")
    bringing.add_argument("--json", action="store_true", help="as one JSON object")
    bringing.set_defaults(run=take_in)
    asking = command(actions, "due", "findings that are past the term of refreshing, of people who still agree")
    asking.add_argument(
        "--to", type=Path, metavar="FILE", help="write whose they are, as JSON Lines for your eyes only"
    )
    add_reader(asking)
    asking.set_defaults(run=due)


def take_in(settings: Settings, options: argparse.Namespace) -> int:
    """Store the findings of a file and say what became of every line."""
    from orchestration.handlers import say

    counts = _service(settings).take_in(options.file, options.source, by=options.by or account())
    if options.json:
        say(json.dumps(asdict(counts) | {"refused": dict(counts.refused)}))
        return DONE
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.refused.items()))
    say(
        f"{counts.n_read:,} read: {counts.n_stored:,} stored, {counts.n_refreshed:,} refreshed, "
        f"{counts.n_duplicates:,} duplicates, {counts.refused.total():,} refused" + (f" ({reasons})" if reasons else "")
    )
    return DONE


def due(settings: Settings, options: argparse.Namespace) -> int:
    """Print what is due by source and kind; whose it is goes into a file only."""
    from orchestration.handlers import say
    from warehouse.secrets import write_private

    found = _service(settings).due(reader_of(options, "privacy osint due"))
    for (source, kind), n in sorted(Counter((one.source, one.kind) for one in found).items()):
        say(f"{n:>9,}  {source} {kind}")
    say(f"{len(found):,} findings are due; look for them again and bring them with lethe privacy osint import")
    if options.to is not None:
        write_private(options.to, "".join(json.dumps(asdict(one), default=str) + "\n" for one in found))
        say(str(options.to))
    return DONE


def _service(settings: Settings) -> OsintService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.osint import OsintService

    return OsintService(Platform.open(settings))
