"""Keys and salts of subjects in the store, under blinded names. Random, never derived: what is derived comes back."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from privacy.errors import VaultKeyMismatchError
from privacy.vault.cipher import KEY_BYTES, NONCE_BYTES
from privacy.vault.generations import Generation
from privacy.vault.store import select

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT_BYTES = 16
KEY_ID_BYTES = 6  # tells a destroyed key from changed bytes; 2^48 ids among one subject's few keys
CONTEXT = b"data-key\x00"


@dataclass(frozen=True, slots=True)
class DataKey:
    """One subject's key: its cipher, and a random id (6 bytes) that names it in what it sealed."""

    key_id: bytes
    cipher: AESGCM = field(repr=False)
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, material: bytes) -> DataKey:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return cls(material[KEY_BYTES:], AESGCM(material[:KEY_BYTES]), material[:KEY_BYTES])


def find_keys(
    connection: sqlite3.Connection, names: Sequence[bytes], keys: Mapping[int, bytes]
) -> dict[bytes, DataKey]:
    """The data keys that subjects have, unwrapped with the generations' keys."""
    openers = {number: opener(key) for number, key in keys.items()}
    rows = select(connection, "data_keys", "generation, wrapped", names)
    return {name: DataKey.of(openers[generation](wrapped, CONTEXT + name)) for name, generation, wrapped in rows}


def make_keys(connection: sqlite3.Connection, names: Iterable[bytes], generation: Generation) -> dict[bytes, DataKey]:
    """New random data keys, wrapped by a generation; the names must have none yet."""
    wrap, size = wrapper(generation.key), KEY_BYTES + KEY_ID_BYTES
    ordered = sorted(names)  # the tree grows at one place at a time
    drawn = secrets.token_bytes(size * len(ordered))
    made = {name: drawn[i * size : (i + 1) * size] for i, name in enumerate(ordered)}
    wrapped = wrap((material, CONTEXT + name) for name, material in made.items())
    rows = ((name, generation.number, value) for name, value in zip(ordered, wrapped, strict=True))
    connection.executemany("insert into data_keys values (?, ?, ?)", rows)
    return {name: DataKey.of(material) for name, material in made.items()}


def find_salts(connection: sqlite3.Connection, names: Sequence[bytes]) -> dict[bytes, bytes]:
    """The salts that subjects have."""
    return dict(select(connection, "salts", "salt", names))


def make_salts(connection: sqlite3.Connection, names: Iterable[bytes]) -> dict[bytes, bytes]:
    """New random salts; the names must have none yet."""
    made = {name: secrets.token_bytes(SALT_BYTES) for name in sorted(names)}
    connection.executemany("insert into salts values (?, ?)", made.items())
    return made


def wrapper(key: bytes) -> Callable[[Iterable[tuple[bytes, bytes]]], Iterator[bytes]]:
    """Wraps many (plaintext, associated data) with one cipher object and nonces drawn a thousand at a time."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    encrypt = AESGCM(key).encrypt

    def wrap(items: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
        for (plaintext, associated), nonce in zip(items, _nonces(), strict=False):
            yield nonce + encrypt(nonce, plaintext, associated)

    return wrap


def opener(key: bytes) -> Callable[[bytes, bytes], bytes]:
    """Opens (wrapped, associated data) with one cipher object. Raises VaultKeyMismatchError."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    decrypt = AESGCM(key).decrypt

    def open_(wrapped: bytes, associated: bytes) -> bytes:
        try:
            return decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], associated)
        except (InvalidTag, ValueError):
            raise VaultKeyMismatchError(
                "a data key does not open: changed bytes in the vault; restore the vault from its backup"
            ) from None

    return open_


def _nonces() -> Iterator[bytes]:
    while True:
        drawn = secrets.token_bytes(1_000 * NONCE_BYTES)
        yield from (drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES))
