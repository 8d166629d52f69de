"""The vault: master key, wrapped purpose keys, per-subject salts, sealing. Files outside the warehouse.

Nothing here knows events; losing the folder means that no pseudonym can be made again.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import shlex
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from privacy.errors import ReadableVaultError, VaultKeyMismatchError, VaultKeyMissingError

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2: 96-bit random nonces
SEAL_PURPOSE = "seal"
LOOKUP_PURPOSE = "salt-lookup"
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault folder (0700, files 0600). Open it with Vault.open."""

    folder: Path
    _master: bytes

    @classmethod
    def open(cls, folder: Path) -> Vault:
        """Open the vault in a folder, making it on first use.

        Raises ReadableVaultError when others may read the folder or a file in it, VaultKeyMissingError when keys or
        salts exist without their master key, and VaultKeyMismatchError when the master key does not open them.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_readable(folder)
        with _locked(folder):
            vault = cls(folder, _load_or_create_master(folder))
            if (folder / "salts.sqlite").exists() and LOOKUP_PURPOSE not in vault._wrapped():
                raise VaultKeyMissingError(
                    f"the vault {folder} holds salts but keys.json lacks their key; restore keys.json from its backup"
                )
            for purpose in vault._wrapped():
                vault._unwrap(purpose)
        vault.purpose_key(LOOKUP_PURPOSE)
        with _locked(folder):
            vault._create_salts()
        return vault

    def purpose_key(self, purpose: str) -> bytes:
        """The random 32-byte key of a purpose, made and wrapped on first use."""
        if purpose not in self._wrapped():
            with _locked(self.folder):
                wrapped = self._wrapped()
                if purpose not in wrapped:
                    sealed = _encrypt(self._master, secrets.token_bytes(KEY_BYTES), purpose.encode())
                    wrapped[purpose] = base64.b64encode(sealed).decode()
                    _write_private(self._keys_path, json.dumps(wrapped, indent=1).encode())
        return self._unwrap(purpose)

    def salts(self, subjects: Iterable[str]) -> dict[str, bytes]:
        """The 16-byte salt of every subject, made where there is none yet. One transaction for all."""
        blinded = self._blinded(subjects)
        with closing(self._connect()) as connection:
            found = _select_salts(connection, list(blinded))
            missing = [key for key in blinded if key not in found]
            if missing:
                connection.execute("begin immediate")
                rows = ((key, secrets.token_bytes(SALT_BYTES)) for key in missing)
                connection.executemany("insert or ignore into salts values (?, ?)", rows)
                connection.execute("commit")
                found |= _select_salts(connection, missing)
        return {subject: found[key] for key, subject in blinded.items()}

    def forget(self, subjects: Iterable[str]) -> int:
        """Delete the salts of subjects and how many there were; their pseudonyms can never be made again."""
        with closing(self._connect()) as connection:
            connection.execute("begin immediate")
            keys = [(key,) for key in self._blinded(subjects)]
            n_deleted = connection.executemany("delete from salts where subject = ?", keys).rowcount
            connection.execute("commit")
            connection.execute("pragma wal_checkpoint(truncate)")
        return n_deleted

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt bytes with AES-256-GCM; the associated data is authenticated, not stored."""
        return _encrypt(self.purpose_key(SEAL_PURPOSE), plaintext, associated_data)

    def unseal(self, sealed: bytes, associated_data: bytes) -> bytes:
        """Decrypt what seal made. Raises VaultKeyMismatchError for another key, other data or changed bytes."""
        return _decrypt(self.purpose_key(SEAL_PURPOSE), sealed, associated_data, "sealed record")

    @property
    def _keys_path(self) -> Path:
        return self.folder / "keys.json"

    @property
    def _salts_path(self) -> Path:
        return self.folder / "salts.sqlite"

    def _wrapped(self) -> dict[str, str]:
        return dict(json.loads(self._keys_path.read_bytes())) if self._keys_path.exists() else {}

    def _unwrap(self, purpose: str) -> bytes:
        sealed = base64.b64decode(self._wrapped()[purpose])
        return _decrypt(self._master, sealed, purpose.encode(), f"key of purpose {purpose!r}")

    def _blinded(self, subjects: Iterable[str]) -> dict[bytes, str]:
        # The salt file never holds an identifier: it would be a list of people in a second place.
        key = self.purpose_key(LOOKUP_PURPOSE)
        return {
            hmac.digest(key, subject.encode("utf-8", "surrogatepass"), hashlib.sha256): subject for subject in subjects
        }

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._salts_path, timeout=60, isolation_level=None)
        connection.execute("pragma secure_delete = on")
        return connection

    def _create_salts(self) -> None:
        if not self._salts_path.exists():
            os.close(os.open(self._salts_path, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(self._connect()) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute(
                "create table if not exists salts (subject blob primary key, salt blob not null) without rowid"
            )


def _refuse_readable(folder: Path) -> None:
    for path, wanted in [(folder, 0o700), *((path, 0o600) for path in sorted(folder.iterdir()))]:
        try:
            found = stat.S_IMODE(path.stat().st_mode)
        except FileNotFoundError:
            continue  # a draft or SQLite's log of another process, gone meanwhile
        if found & 0o077:
            raise ReadableVaultError(
                f"{path} has mode {found:04o}, so that others can open it; "
                f"run: chmod {wanted:o} {shlex.quote(str(path))}"
            )


def _select_salts(connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        found.update(connection.execute(f"select subject, salt from salts where subject in ({marks})", part))
    return found


def _load_or_create_master(folder: Path) -> bytes:
    path = folder / "master.key"
    if path.exists():
        master = path.read_bytes()
        if len(master) != KEY_BYTES:
            raise VaultKeyMismatchError(f"{path} is no master key of {KEY_BYTES} bytes; restore it from its backup")
        return master
    if (folder / "keys.json").exists() or (folder / "salts.sqlite").exists():
        raise VaultKeyMissingError(
            f"the vault {folder} holds wrapped keys or salts but no master.key; restore master.key from its backup"
        )
    master = secrets.token_bytes(KEY_BYTES)
    _write_private(path, master)
    return master


def _encrypt(key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def _decrypt(key: bytes, sealed: bytes, associated_data: bytes, what: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
    except (InvalidTag, ValueError):
        raise VaultKeyMismatchError(
            f"the vault cannot open the {what}: other master key or changed bytes; restore the vault from its backup"
        ) from None


def _write_private(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
