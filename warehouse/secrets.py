"""Generated credentials of one home: made once, readable by their owner only."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


def load_or_create(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Passwords by name; missing ones are generated and the file is replaced atomically with mode 0600."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        write_private(path, json.dumps(known, indent=1))
    return known


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; a crash leaves the old content or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Random, not the process id: containers that share a folder count their processes alike.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
