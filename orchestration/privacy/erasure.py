"""`lethe privacy erasure`: plan, run, verify, status. Wiring only: what an erasure is, is privacy/erasure."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli import DONE
from orchestration.privacy.commands import AddCommand
from orchestration.privacy.readers import add_reader, reader_of
from warehouse.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.platform import Platform
    from orchestration.privacy.services.erasure import ErasureService
    from privacy.erasure.boot import Replay
    from privacy.erasure.ledger import Ledger
    from privacy.erasure.stores import Stores

HELP = "take one person out of every store, with proof"


def add(actions: Any, command: AddCommand) -> None:
    """Add the actions of this area."""
    planning = command(actions, "plan", "count a person's rows in every target; deletes nothing")
    _of_person(planning)
    add_reader(planning)
    planning.set_defaults(run=plan)
    running = command(actions, "run", "erase a person, or go on with an erasure that was stopped; prints the receipt")
    _of_person(running)
    running.add_argument("--request", required=True, help="the request behind it; the same request goes on")
    running.set_defaults(run=run)
    verifying = command(actions, "verify", "check a receipt; needs neither this home nor a database")
    verifying.add_argument("receipt", metavar="RECEIPT", type=Path, help="the receipt (JSON)")
    verifying.add_argument("--trust", metavar="KEY_ID", action="append", help="a key whose receipts count (repeat)")
    verifying.set_defaults(run=verify)
    status_ = command(actions, "status", "erasures, what is not complete, and models that wait for a training")
    status_.set_defaults(run=status)


def _of_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user", metavar="USER", help="the product's own id of the person; - reads it from the input")
    parser.add_argument("--alias", action="append", default=[], help="another user id of the same person (repeat)")


def plan(settings: Settings, options: argparse.Namespace) -> int:
    """Print rows by target."""
    from orchestration.handlers import say

    reader = reader_of(options, "privacy erasure plan")
    for target, n_rows in _service(settings).plan(_user(options), reader, aliases=options.alias).items():
        say(f"{n_rows:>9,}  {target}")
    return DONE


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Erase while no run writes to the home, and say what was proven."""
    from orchestration.handlers import say

    service = _service(settings)
    receipt = service.run(_user(options), request_id=options.request, aliases=options.alias)
    n_rows = sum(row["deleted"] for row in receipt["targets"])
    say(f"complete: {n_rows:,} rows deleted, 0 left in {len(receipt['targets'])} targets")
    say(f"{len(receipt['tainted_models'])} model versions learnt from this person and are due for retraining")
    say(f"receipt: {service.receipt_path(receipt)}")
    return DONE


def verify(_settings: Settings, options: argparse.Namespace) -> int:
    """Check a receipt by itself."""
    from orchestration.handlers import say
    from privacy.erasure.errors import InvalidReceiptError
    from privacy.erasure.receipt import check

    try:
        document = json.loads(options.receipt.read_text())
    except (OSError, ValueError):
        raise InvalidReceiptError(f"{options.receipt} is no receipt that can be read; name the JSON file") from None
    check(document, options.trust)
    say(
        f"{document['request_id']}: complete at {document['completed_at']}, "
        f"0 left in {len(document['targets'])} targets"
    )
    say(
        f"signed by key {document['signature']['key_id']}" + ("" if options.trust else "; compare it with the sender's")
    )
    return DONE


def status(settings: Settings, _options: argparse.Namespace) -> int:
    """Print erasures by state, and marked models."""
    from orchestration.handlers import say

    service = _service(settings)
    for request, state, opened_at in service.erasures():
        say(f"{state:<10} {opened_at:%Y-%m-%d %H:%M} {request}")
    for version in service.tainted():
        late = " (overdue)" if version.retrain_by <= settings.now() else ""
        say(f"tainted    version {version.version} of {version.model}, replace by {version.retrain_by:%Y-%m-%d}{late}")
    return DONE


def _service(settings: Settings) -> ErasureService:
    from orchestration.platform import Platform
    from orchestration.privacy.services.erasure import ErasureService

    return ErasureService(Platform.open(settings))


def stores_of(platform: Platform, *, with_manifest: bool = True) -> Stores:
    """Everything of a home that may hold a person. Without dbt's manifest it serves to look, not to erase."""
    from ml.taint import Taint
    from privacy.erasure.stores import Stores

    manifest = _manifest(platform) if with_manifest else None
    models = Taint(platform.database, platform.registries, platform.vault.purpose_key("training_subjects"))
    return Stores(platform.database, platform.vault, ledger_of(platform), platform.home, models, manifest)


def _manifest(platform: Platform) -> dict[str, Any]:
    import yaml

    from orchestration import dbt
    from privacy.carriers.templates import with_variables

    dbt.use_login(platform.database)
    found: dict[str, Any] = json.loads(dbt.manifest_path(platform.settings).read_text())
    return with_variables(found, yaml.safe_load((dbt.PROJECT_DIR / "dbt_project.yml").read_text()))


def ledger_of(platform: Platform) -> Ledger:
    """The home's erasure ledger: imports ask it, restores catch up with it."""
    from privacy.erasure.keys import blinder
    from privacy.erasure.ledger import Ledger

    return Ledger(platform.home / "erasures" / "ledger.jsonl", blinder(platform.vault))


def catch_up(platform: Platform, now: datetime) -> Replay | None:
    """Forget again what a restored database remembers; costs one look at a file where nothing was restored."""
    from privacy.erasure.boot import boot_lock

    if not (platform.home / "erasures" / "ledger.jsonl").exists():
        return None
    return boot_lock(stores_of(platform, with_manifest=False), now)


def _user(options: argparse.Namespace) -> str:
    return sys.stdin.readline().rstrip("\n") if options.user == "-" else str(options.user)
