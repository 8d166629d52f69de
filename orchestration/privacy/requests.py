"""`lethe privacy requests`: what people ask about their data, from receipt to proof. Wiring only."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE, USAGE, complain
from orchestration.privacy.commands import AddCommand
from orchestration.privacy.readers import add_reader, reader_of
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.privacy.services.requests import RequestService
    from privacy.requests.store import Request

HELP = "what people ask about their data: access, export, erasure, restriction, objection, rectification"
KINDS = ("access", "export", "erasure", "restriction", "objection", "anonymise", "rectification")


def add(actions: Any, command: AddCommand) -> None:
    """Add the actions of this area."""
    opening = command(actions, "open", "record a request; its month begins now")
    opening.add_argument("kind", choices=KINDS, help="what is asked")
    opening.add_argument("user", metavar="USER", help="the product's own id of the person")
    opening.add_argument(
        "--details", type=Path, help="JSON file: corrections of a rectification, purposes of an objection"
    )
    _signed(opening, "how it was asked")
    opening.set_defaults(run=open_request)
    listing = command(actions, "list", "requests by due date, without whose they are")
    listing.add_argument("--open", action="store_true", help="only those that are not over")
    listing.set_defaults(run=show_all)
    showing = _of_request(actions, command, "show", "a request and every step of it")
    add_reader(showing)
    showing.set_defaults(run=show)
    _add_identity(_of_request(actions, command, "verify-identity", "check who asks: a one-time code, or your word"))
    _add_decisions(actions, command)
    running = _of_request(
        actions, command, "run", "carry a request out and measure that it is done; again after a crash"
    )
    running.add_argument("--by", required=True, help="who runs it; kept")
    running.set_defaults(run=run)
    fetching = command(actions, "export", "fetch a package by its link, which works once")
    fetching.add_argument("link", metavar="LINK", help="as `run` or `link` printed it")
    fetching.add_argument("--to", type=Path, required=True, help="the file to write (zip)")
    add_reader(fetching)
    fetching.set_defaults(run=fetch)
    _of_request(actions, command, "link", "a new link to a request's package; earlier ones end").set_defaults(
        run=relink
    )
    command(actions, "expire", "remove packages whose time is over").set_defaults(run=expire)


def _add_identity(parser: argparse.ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--challenge", action="store_true", help="make a one-time code and print it, for you to send")
    how.add_argument("--code", help="the code that the person gave back")
    how.add_argument("--attest", metavar="GROUND", help="you know who it is; say how")
    parser.add_argument("--by", required=True, help="who checks; kept")
    parser.set_defaults(run=verify_identity)


def _add_decisions(actions: Any, command: AddCommand) -> None:
    for name, text in (
        ("approve", "another person agrees to a request that touches much of a table"),
        ("refuse", "refuse a request before it is begun; tell the person why"),
        ("withdraw", "the person takes the request back"),
        ("extend", "two further months, once, before the first is over"),
    ):
        parser = _of_request(actions, command, name, text)
        _signed(parser, "why")
        parser.set_defaults(run=decide, decision=name)


def open_request(settings: Settings, options: argparse.Namespace) -> int:
    """Record a request."""
    details = read_details(options.details) if options.details else None
    _tell(_service(settings).open(
        options.kind, options.user, by=options.by, reason=options.reason, details=details
    ))  # fmt: skip
    return DONE


def read_details(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an error names the file and quotes nothing of it. Raises IncompleteRequestError."""
    from privacy.requests.errors import IncompleteRequestError

    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise IncompleteRequestError(f"{path} cannot be read as a JSON object; docs/requests.md shows one")
    return found


def show_all(settings: Settings, options: argparse.Namespace) -> int:
    """List requests, the most urgent first."""
    from orchestration.handlers import say
    from privacy.requests import deadlines

    found = _service(settings).find(only_open=options.open)
    today = settings.now().date()
    for request in found:
        left = deadlines.days_left(request.due_on, today)
        due = "over" if request.closed_at else f"{left} days left" if left >= 0 else f"OVERDUE by {-left} days"
        say(f"{request.request_id}  {request.kind:<13}  {request.state:<17}  due {request.due_on}  {due}")
    say(f"{len(found)} requests")
    return DONE


def show(settings: Settings, options: argparse.Namespace) -> int:
    """Print one request and its audit trail."""
    from orchestration.handlers import say

    request, trail = _service(settings).trail(options.request, reader_of(options, "privacy requests show"))
    _tell(request)
    for entry in trail:
        say(f"{entry.happened_at:%Y-%m-%d %H:%M:%S}  {entry.event:<12}  -> {entry.to_state:<17}  {entry.actor}: "
            f"{entry.reason}{'  ' + json.dumps(entry.detail) if entry.detail else ''}")  # fmt: skip
    return DONE


def verify_identity(settings: Settings, options: argparse.Namespace) -> int:
    """Check who asks, and then count what the request touches."""
    from orchestration.handlers import say

    service = _service(settings)
    if options.challenge:
        say(service.challenge(options.request, by=options.by))
    elif options.code:
        _tell(service.answer(options.request, options.code, by=options.by))
    else:
        _tell(service.attest(options.request, by=options.by, reason=options.attest))
    return DONE


def decide(settings: Settings, options: argparse.Namespace) -> int:
    """Approve, refuse, withdraw or extend."""
    _tell(getattr(_service(settings), options.decision)(options.request, by=options.by, reason=options.reason))
    return DONE


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Carry a request out."""
    from orchestration.handlers import say

    service = _service(settings)
    _tell(service.run(options.request, by=options.by))
    if link := service.link(options.request):
        say(f"link, for one use within 7 days: {link}")
    return DONE


def relink(settings: Settings, options: argparse.Namespace) -> int:
    """Print a new link."""
    from orchestration.handlers import say

    link = _service(settings).link(options.request)
    if link is None:
        return complain(f"{options.request} has no package; run an access or export request first", USAGE)
    say(link)
    return DONE


def fetch(settings: Settings, options: argparse.Namespace) -> int:
    """Use a link up and copy its package."""
    from orchestration.handlers import say

    if options.to.exists():
        return complain(f"{options.to} exists; name another file", USAGE)
    path = _service(settings).redeem(options.link, reader_of(options, "privacy requests export"))
    options.to.touch(mode=0o600)
    shutil.copyfile(path, options.to)
    say(f"{options.to}: {options.to.stat().st_size:,} bytes; open html/index.html in it")
    return DONE


def expire(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001 - no options
    """Remove packages whose time is over."""
    from orchestration.handlers import say

    say(f"{len(_service(settings).expire())} packages removed")
    return DONE


def _tell(request: Request) -> None:
    from orchestration.handlers import say

    say(f"{request.request_id}  {request.kind}  {request.state}  due {request.due_on}")


def _service(settings: Settings) -> RequestService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.requests import RequestService

    return RequestService(Platform.open(settings))


def _of_request(actions: Any, command: AddCommand, name: str, text: str) -> argparse.ArgumentParser:
    parser = command(actions, name, text)
    parser.add_argument("request", metavar="REQUEST", help="the id of the request")
    return parser


def _signed(parser: argparse.ArgumentParser, why: str) -> None:
    parser.add_argument("--by", required=True, help="who does this; kept")
    parser.add_argument("--reason", required=True, help=f"{why}; kept, so it must not name the person")
