"""Vault folders of earlier versions: salts.sqlite and keys.json become vault.sqlite, once. No key or salt changes."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from privacy.errors import VaultKeyMissingError
from privacy.vault.generations import Generations
from privacy.vault.masters import from_files
from privacy.vault.store import Store
from privacy.vault.subjects import wrapper

SALTS_FILE = "salts.sqlite"
KEYS_FILE = "keys.json"


def adopt_salts(folder: Path, store: Store) -> None:
    """Let an earlier version's file of salts be the store. The caller holds the lock."""
    old = folder / SALTS_FILE
    if not old.exists() or store.path.exists():
        return
    if not (folder / KEYS_FILE).exists():
        raise VaultKeyMissingError(
            f"the vault {folder} holds salts but {KEYS_FILE} with their key is gone; restore it from its backup"
        )
    with closing(sqlite3.connect(old, timeout=60, isolation_level=None)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("pragma journal_mode = delete")  # the log and its index go: they are named after the file
    old.replace(store.path)


def adopt_keys(folder: Path, store: Store, generations: Generations) -> None:
    """Move an earlier version's purpose keys, which master.key wraps itself, into the store."""
    path = folder / KEYS_FILE
    if not path.exists():
        return
    masters = from_files(folder)
    if not masters:
        raise VaultKeyMissingError(
            f"the vault {folder} holds {KEYS_FILE} but no master.key; restore master.key from its backup"
        )
    wrapped = {purpose: base64.b64decode(text) for purpose, text in json.loads(path.read_bytes()).items()}
    keys = {purpose: masters[0].unwrap(value, purpose.encode()) for purpose, value in wrapped.items()}
    with store.writing() as connection:
        current = generations.current(connection)
        values = wrapper(current.key)((key, purpose.encode()) for purpose, key in keys.items())
        rows = ((purpose, current.number, value) for purpose, value in zip(keys, values, strict=True))
        connection.executemany("insert or ignore into purposes values (?, ?, ?)", rows)
    store.overwrite_deleted()
    path.unlink()
