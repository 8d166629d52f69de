"""`lethe privacy verify`: a receipt of any kind, on any machine. What each kind promises is its own module's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.privacy.commands import AddCommand
    from warehouse.settings import Settings


def add(areas: Any, command: AddCommand) -> None:
    """Add the command beside the areas."""
    parser = command(areas, "verify", "check a receipt of consent or of an erasure; needs neither home nor database")
    parser.add_argument("receipt", metavar="RECEIPT", type=Path, help="the receipt (JSON)")
    parser.add_argument("--trust", metavar="KEY_ID", action="append", help="a key whose receipts count (repeat)")
    parser.set_defaults(run=verify)


def verify(settings: Settings, options: argparse.Namespace) -> int:
    """Check a receipt by its kind."""
    from orchestration.privacy import consent, erasure

    document = consent.read_document(options.receipt)
    options.file, options.trusted = options.receipt, options.trust
    is_consent = document.get("@type") == "dpv:ConsentReceipt"
    return consent.verify(settings, options) if is_consent else erasure.verify(settings, options)
