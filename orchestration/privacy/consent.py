"""`lethe privacy consent`: see, record and prove what a person agreed to. The rules are privacy.consent's."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE, REFUSED, complain
from orchestration.privacy.readers import add_reader, reader_of
from warehouse.settings import Settings

if TYPE_CHECKING:
    from privacy.receipts import Controller
    from privacy.service import PrivacyService

HELP = "what a person agreed to: see, record, prove"


def add(actions: Any, command: Any) -> None:
    """Add the actions of this area."""
    shown = _of_person(actions, command, "show", "the latest word of a person per purpose")
    add_reader(shown)
    shown.set_defaults(run=show)
    for name, decision in (("grant", "agrees to"), ("withdraw", "withdraws from")):
        parser = _of_person(actions, command, name, f"record that a person {decision} purposes, for them")
        parser.add_argument("purposes", nargs="+", metavar="PURPOSE", help="what the decision is about")
        parser.add_argument("--reason", required=True, help="why it is recorded; kept in the ledger")
        parser.add_argument("--by", required=True, help="who records it; kept in the ledger")
        parser.add_argument("--notice", type=int, metavar="NOTICE", help="the served notice that this answers")
        parser.set_defaults(run=record, agrees=name == "grant")
    _add_notices(actions, command)
    history_of = _of_person(actions, command, "history", "every decision of a person, in the order in which they count")
    history_of.add_argument("--json", action="store_true", help="one JSON object a line")
    add_reader(history_of)
    history_of.set_defaults(run=history)
    receipt_of = _of_person(actions, command, "receipt", "a person's decisions as a signed document")
    receipt_of.add_argument("--controller", type=Path, required=True, help="JSON file: who answers for the data")
    receipt_of.add_argument("--to", type=Path, required=True, help="the file to write")
    add_reader(receipt_of)
    receipt_of.set_defaults(run=receipt)
    check = command(actions, "verify", "check a receipt on any machine: needs no home, no vault, no network")
    check.add_argument("file", type=Path, metavar="FILE", help="the receipt")
    check.add_argument("--trusted", action="append", metavar="KEY_ID", help="a key that may have signed it; repeatable")
    check.set_defaults(run=verify)


def _add_notices(actions: Any, command: Any) -> None:
    served = _of_person(actions, command, "serve", "record that a person is shown a purpose's words, and print them")
    served.add_argument("purpose", metavar="PURPOSE", help="what the words ask for")
    served.add_argument("--language", default="en", help="of the words (default: en)")
    served.add_argument("--place", required=True, help="where they are shown: a page, a form, a letter")
    served.set_defaults(run=serve)
    closed = _of_person(actions, command, "dismiss", "record that a person closed a notice; their choices stay")
    closed.add_argument("notice", type=int, metavar="NOTICE", help="the number that serve printed")
    closed.set_defaults(run=dismiss)
    signal = _of_person(actions, command, "gpc", "obey a person's Global Privacy Control signal")
    signal.add_argument("--source", default="command line", help="where the signal came from; kept in the ledger")
    signal.set_defaults(run=gpc)


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Print the number under which a notice is on record as served, and its words."""
    from orchestration.handlers import say

    served = _service(settings).serve_notice(
        options.user, options.purpose, language=options.language, place=options.place
    )
    say(f"notice {served.served_notice_id}, version {served.notice.version}: {served.notice.body}")
    return DONE


def dismiss(settings: Settings, options: argparse.Namespace) -> int:
    """Record that a notice was closed."""
    from orchestration.handlers import say

    _service(settings).dismiss_notice(options.user, options.notice)
    say(f"notice {options.notice} was closed without an answer; every choice stays as it was")
    return DONE


def gpc(settings: Settings, options: argparse.Namespace) -> int:
    """Withdraw what the signal is about, once."""
    from orchestration.handlers import say

    n_new = _service(settings).signal_gpc(options.user, source=options.source)
    say(f"{n_new} decisions recorded; the next run obeys them")
    return DONE


def show(settings: Settings, options: argparse.Namespace) -> int:
    """Print the latest word per purpose."""
    from orchestration.handlers import say

    reader = reader_of(options, "privacy consent show")
    for purpose, decision in _service(settings).get_consent(options.user, reader).items():
        say(f"{purpose:<18} {decision}")
    return DONE


def record(settings: Settings, options: argparse.Namespace) -> int:
    """Record a grant or a withdrawal that somebody enters for a person."""
    from orchestration.handlers import say

    updates = dict.fromkeys(options.purposes, options.agrees)
    n_new = _service(settings).update_consent(
        options.user, updates, source="command line", method="api", reason=options.reason, recorded_by=options.by,
        served_notice_id=options.notice,
    )  # fmt: skip
    say(f"{n_new} decisions recorded; the next run obeys them")
    return DONE


def history(settings: Settings, options: argparse.Namespace) -> int:
    """Print every decision."""
    from orchestration.handlers import say

    for decision in _service(settings).history(options.user, reader_of(options, "privacy consent history")):
        row = {field.name: getattr(decision, field.name) for field in fields(decision) if field.name != "subject"}
        if options.json:
            say(json.dumps(row, default=str))
        else:
            say(f"{decision.decided_at:%Y-%m-%d %H:%M:%S}  {decision.decision:<8}  {decision.purpose:<18}  "
                f"{decision.method:<7}  {decision.source}")  # fmt: skip
    return DONE


def receipt(settings: Settings, options: argparse.Namespace) -> int:
    """Write a signed receipt."""
    from orchestration.handlers import say

    reader = reader_of(options, "privacy consent receipt")
    document = _service(settings).receipt(options.user, read_controller(options.controller), reader)
    options.to.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    say(f"{options.to} written, signed by key {document['signature']['key_id']}")
    return DONE


def verify(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001 - it needs no home
    """Check a receipt; 3 when it was changed or its signer is not trusted."""
    from orchestration.handlers import say
    from privacy.errors import InvalidSignatureError
    from privacy.receipts import verify_receipt

    document = read_document(options.file)
    try:
        verify_receipt(document, options.trusted)
    except InvalidSignatureError as error:
        return complain(str(error), REFUSED)
    advice = "" if options.trusted else "; compare the key with the one its signer names, or pass --trusted"
    say(f"intact, signed by key {document['signature']['key_id']}{advice}")
    return DONE


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises UnreadableReceiptError."""
    from privacy.errors import UnreadableReceiptError

    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise UnreadableReceiptError(f"{path} cannot be read as JSON; pass the file that was issued") from None
    if not isinstance(document, dict):
        raise UnreadableReceiptError(f"{path} holds no JSON object; pass the file that was issued")
    return document


def read_controller(path: Path) -> Controller:
    """Who answers for the data, from a JSON file. Raises UnreadableReceiptError."""
    from privacy.errors import UnreadableReceiptError
    from privacy.receipts import Controller

    found = read_document(path)
    wanted = [field.name for field in fields(Controller)]
    if sorted(found) != sorted(wanted) or not all(isinstance(value, str) and value for value in found.values()):
        raise UnreadableReceiptError(f"{path} must hold exactly these texts: {', '.join(wanted)}")
    return Controller(**found)


def _of_person(actions: Any, command: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = command(actions, name, text)
    parser.add_argument("user", metavar="USER", help="the product's own id of the person")
    return parser


def _service(settings: Settings) -> PrivacyService:
    from orchestration.platform import Platform
    from privacy.service import PrivacyService

    platform = Platform.open(settings)
    return PrivacyService(lambda: platform.database.connect("privacy"), platform.vault, settings.now)
