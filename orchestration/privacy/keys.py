"""`lethe privacy keys`: what the vault holds, and another master key for it. The keys themselves are never shown."""

from __future__ import annotations

import argparse
import time
from typing import Any

from orchestration.cli import DONE
from warehouse.settings import Settings

HELP = "the vault: what it holds, and another master key for it"


def add(actions: Any, command: Any) -> None:
    """Add the actions of this area."""
    command(actions, "status", "master keys, data keys, salts and destroyed keys, in counts").set_defaults(run=status)
    rotation = command(actions, "rotate", "wrap every key anew under a new master key; goes on after a kill")
    rotation.set_defaults(run=rotate)


def status(settings: Settings, _options: argparse.Namespace) -> int:
    """Print what the vault holds."""
    from orchestration.handlers import say
    from privacy.vault import Vault

    found = Vault.of(settings).status()
    for number, master in found.generations.items():
        say(f"generation {number}: {found.n_data_keys.get(number, 0):,} data keys, master key {master}")
    say(f"{found.n_purposes:,} purpose keys, {found.n_salts:,} salts, {found.n_destroyed:,} destroyed")
    if len(found.generations) > 1:
        say("a rotation is unfinished: run lethe privacy keys rotate")
    return DONE


def rotate(settings: Settings, _options: argparse.Namespace) -> int:
    """Rotate the master key: to the first one of LETHE_MASTER_KEY, or else to a new file in the vault's folder."""
    from orchestration.handlers import say
    from privacy.vault import Vault

    vault = Vault.of(settings)
    began = time.monotonic()
    done = vault.rotate(progress=lambda n: say(f"{n:,} data keys"))
    say(
        f"{done.n_data_keys:,} data keys and {done.n_purposes:,} purpose keys are of generation {done.generation} now, "
        f"after {time.monotonic() - began:.1f} s; older copies of the vault need the old master key: destroy it"
    )
    return DONE
