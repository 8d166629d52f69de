"""A day as people type it on a command line."""

from __future__ import annotations

import argparse
from datetime import date


def day(text: str) -> date:
    """The date, or words about what is wrong with it, which argparse prints with the usage."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write it like 2026-01-05") from None
