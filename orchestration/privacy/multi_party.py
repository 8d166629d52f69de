"""`lethe privacy multi-party`: certificates, and one party's part in a computation over organisations. Wiring only."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.commands import AddCommand
from orchestration.privacy.services import multi_party as service
from orchestration.privacy.services.multi_party import Part
from warehouse.settings import Settings

if TYPE_CHECKING:
    from privacy.multi_party.computation import Computation, Result

HELP = "sums, means and histograms over organisations that show each other nothing else"
MOST_LINES = 20


def add(actions: Any, command: AddCommand) -> None:
    """Add the actions of this area."""
    founding = command(actions, "authority", "make an authority: a key and a certificate of the parties' own")
    founding.set_defaults(run=authority)
    asking = command(actions, "request", "make this party's key, and the request that the authority is to sign")
    asking.add_argument("name", metavar="NAME", help="this party's name")
    asking.set_defaults(run=request)
    signing = command(actions, "sign", "sign a party's request; check first that it is theirs")
    signing.add_argument("request", type=Path, metavar="REQUEST", help="the file that the party handed over")
    signing.add_argument("--name", required=True, help="whose request it is")
    signing.set_defaults(run=sign)
    _add_join(command(actions, "join", "take part in a computation, and print what all parties get"))
    trying = command(actions, "rehearse", "run all parties on this machine, to try a computation out")
    trying.add_argument("computation", type=Path, metavar="COMPUTATION", help="what is computed (YAML)")
    trying.add_argument("--values", nargs="+", required=True, metavar="NAME=FILE", help="each party's numbers")
    trying.set_defaults(run=rehearse)
    for action in (founding, asking, signing):
        action.add_argument("--folder", type=Path, required=True, help="where keys and certificates are")


def _add_join(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("computation", type=Path, metavar="COMPUTATION", help="what is computed (YAML), alike for all")
    parser.add_argument("--party", required=True, help="this party's name")
    parser.add_argument("--folder", type=Path, required=True, help="where its key and certificates are")
    parser.add_argument("--values", type=Path, required=True, metavar="FILE", help="its numbers, one a line, or .npy")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for others (default: 60)")
    parser.add_argument("--to", type=Path, help="write the result here, one number a line")
    parser.set_defaults(run=join)


def authority(settings: Settings, options: argparse.Namespace) -> int:
    """Make an authority."""
    from orchestration.handlers import say
    from privacy.multi_party.certificates import found_authority

    made = found_authority(options.folder, now=settings.now())
    say(f"give {made} to every party; the key beside it stays here")
    return DONE


def request(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001 (every command has this signature)
    """Make a party's key and request."""
    from orchestration.handlers import say
    from privacy.multi_party.certificates import ask

    say(f"hand {ask(options.folder, options.name)} to whoever holds the authority; the key beside it stays here")
    return DONE


def sign(settings: Settings, options: argparse.Namespace) -> int:
    """Sign a request."""
    from orchestration.handlers import say
    from privacy.multi_party import certificates

    signed = certificates.sign(options.folder, options.request, options.name, now=settings.now())
    say(f"give {signed} back to {options.name}; it holds for {certificates.VALID_FOR.days} days")
    return DONE


def join(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001
    """Take part in a computation."""
    from orchestration.handlers import say

    wish = Part(options.computation, options.party, options.folder, options.values, options.patience)
    computation, result = service.join(wish)
    if options.to:
        options.to.write_text("".join(f"{value!r}\n" for value in result.values))
    for line in words(computation, result):
        say(line)
    return DONE


def rehearse(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001
    """Run all parties here."""
    from orchestration.handlers import say

    named = dict(pair.partition("=")[::2] for pair in options.values)
    computation, found = service.rehearse(options.computation, {name: Path(file) for name, file in named.items()})
    for line in words(computation, found.result):
        say(line)
    say(f"{len(named)} parties on this machine, {found.seconds:.2f} s")
    return DONE


def words(computation: Computation, result: Result) -> list[str]:
    """The result as a person reads it, at most MOST_LINES numbers of it."""
    lines = [f"{label:>24}  {value:,g}" for label, value in labelled(computation, result)]
    more = [f"and {len(lines) - MOST_LINES:,} more; --to FILE writes all"] if len(lines) > MOST_LINES else []
    behind = f"{len(computation.parties)} parties" if result.statistic == "sum" else f"{result.n:,} values"
    return [*lines[:MOST_LINES], *more, f"{result.statistic} of {computation.name}, {behind}"]


def labelled(computation: Computation, result: Result) -> list[tuple[str, float]]:
    """Each number of a result with what it is of."""
    if result.statistic != "histogram":
        return [(f"{result.statistic} {i}", value) for i, value in enumerate(result.values, 1)]
    edges = [f"{edge:g}" for edge in computation.edges]
    names = [f"below {edges[0]}", *(f"{a} to {b}" for a, b in pairwise(edges)), f"from {edges[-1]}"]
    return list(zip(names, result.values, strict=True))
