"""Master keys, which wrap the vault's keys: from a file, from the environment, or a key service behind a protocol."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from privacy.errors import VaultKeyMismatchError
from privacy.vault.cipher import KEY_BYTES, decrypt, encrypt
from privacy.vault.files import sync_folder, write_private
from warehouse.settings import InvalidSettingError

MASTER_FILE = "master.key"
NEXT_FILE = "master.next.key"  # the key that a rotation is moving to
VARIABLE = "LETHE_MASTER_KEY"


class MasterKey(Protocol):
    """Wraps one 32-byte key a generation. A key service (KMS) keeps its own key and does the two calls remotely."""

    @property
    def key_id(self) -> str:
        """Names the key for good; it says nothing about its bytes."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """The key encrypted, with the context authenticated."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The key again. Raises VaultKeyMismatchError for another context or changed bytes."""


MasterSource = Callable[[], Sequence[MasterKey]]  # every master key at hand, the one for new generations first


@dataclass(frozen=True, slots=True)
class LocalMaster:
    """A master key whose 32 bytes are in this process; `place` says where they came from."""

    key: bytes = field(repr=False)
    place: str

    @property
    def key_id(self) -> str:
        return "local:" + hmac.digest(self.key, b"lethe master key id", hashlib.sha256)[:8].hex()

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return encrypt(self.key, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return decrypt(self.key, wrapped, context, f"key wrapped by the master key of {self.place}")


def source_of(folder: Path, setting: str | None) -> MasterSource:
    """The keys of LETHE_MASTER_KEY, then those in the vault's folder. Raises InvalidSettingError.

    The files are read at every call: a rotation by another process changes them. The environment never changes.
    """
    return partial(_together, from_setting(setting), folder)


def _together(first: Sequence[MasterKey], folder: Path) -> list[MasterKey]:
    return [*first, *from_files(folder)]


def from_setting(setting: str | None) -> list[MasterKey]:
    """Master keys written as base64 of 32 bytes, comma separated: the one to use first, then older ones."""
    return [LocalMaster(_decoded(text.strip()), VARIABLE) for text in setting.split(",")] if setting else []


def from_files(folder: Path) -> list[MasterKey]:
    """The master keys in a vault's folder. Raises VaultKeyMismatchError for a file that is none."""
    return [_read(folder / name) for name in (MASTER_FILE, NEXT_FILE) if (folder / name).exists()]


def create_file(folder: Path, name: str = MASTER_FILE) -> LocalMaster:
    """The master key in a file of the folder, random and made now unless it is there."""
    if not (folder / name).exists():
        write_private(folder / name, secrets.token_bytes(KEY_BYTES))
    return _read(folder / name)


def tidy_files(folder: Path, used: set[str]) -> None:
    """Let the next key take the place of a master key that wraps nothing any more, or remove that one."""
    current, following = folder / MASTER_FILE, folder / NEXT_FILE
    if not used or (current.exists() and _read(current).key_id in used):
        return
    if following.exists() and _read(following).key_id in used:
        following.replace(current)
    elif not following.exists():
        current.unlink(missing_ok=True)
    sync_folder(folder)


def _read(path: Path) -> LocalMaster:
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise VaultKeyMismatchError(f"{path} is no master key of {KEY_BYTES} bytes; restore it from its backup")
    return LocalMaster(key, str(path))


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidSettingError(
            f"{VARIABLE} holds something that is no base64 of {KEY_BYTES} bytes; make a key with: "
            f"openssl rand -base64 {KEY_BYTES}"
        )
    return key
