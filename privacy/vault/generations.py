"""Generations: the key that wraps all other keys, itself wrapped by a master key. A rotation makes the next one."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from privacy.errors import VaultKeyMismatchError, VaultKeyMissingError
from privacy.vault.cipher import KEY_BYTES
from privacy.vault.masters import MasterKey, MasterSource


@dataclass(frozen=True, slots=True)
class Generation:
    """One wrapping key (32 bytes) and its number; a higher one is newer."""

    number: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations of one store, opened once each. A key service is asked once a generation, not once a key."""

    masters: MasterSource
    _opened: dict[tuple[int, bytes], bytes] = field(default_factory=dict, repr=False)

    def current(self, connection: sqlite3.Connection) -> Generation:
        """The one that wraps new keys."""
        return self.of(connection, numbers(connection)[-1])

    def of(self, connection: sqlite3.Connection, number: int) -> Generation:
        """A generation by number. Raises VaultKeyMissingError or VaultKeyMismatchError."""
        row = connection.execute("select master, wrapped from generations where generation = ?", (number,)).fetchone()
        if row is None:
            raise VaultKeyMismatchError(f"the vault holds no generation {number}; restore the vault from its backup")
        master_id, wrapped = row
        if (number, wrapped) not in self._opened:
            self._opened[number, wrapped] = self._master(master_id, number).unwrap(wrapped, _context(number))
        return Generation(number, self._opened[number, wrapped])

    def keys(self, connection: sqlite3.Connection) -> dict[int, bytes]:
        """Every generation's key by number: more than one while a rotation is under way."""
        return {number: self.of(connection, number).key for number in numbers(connection)}

    def begin(self, connection: sqlite3.Connection, master: MasterKey) -> Generation:
        """A new generation with a random key, which the master wraps."""
        number = max(numbers(connection), default=0) + 1
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = master.wrap(key, _context(number))
        connection.execute("insert into generations values (?, ?, ?)", (number, master.key_id, wrapped))
        self._opened[number, wrapped] = key
        return Generation(number, key)

    def first(self, connection: sqlite3.Connection, make_master: Callable[[], MasterKey]) -> None:
        """The first generation of a new vault, under the first master key at hand or one made for it."""
        if not numbers(connection):
            self.begin(connection, next(iter(self.masters()), None) or make_master())

    def _master(self, key_id: str, number: int) -> MasterKey:
        masters = self.masters()
        found = next((master for master in masters if master.key_id == key_id), None)
        if found is not None:
            return found
        if not masters:
            raise VaultKeyMissingError(
                f"generation {number} of the vault's keys needs the master key {key_id}, and there is none: restore "
                "master.key from its backup, or set LETHE_MASTER_KEY"
            )
        raise VaultKeyMismatchError(
            f"generation {number} of the vault's keys needs the master key {key_id}, and only "
            f"{', '.join(master.key_id for master in masters)} are at hand: restore the right one from its backup"
        )


def numbers(connection: sqlite3.Connection) -> list[int]:
    """The generations there are, oldest first."""
    return [row[0] for row in connection.execute("select generation from generations order by generation")]


def masters_used(connection: sqlite3.Connection) -> list[str]:
    """The ids of the master keys that the generations need, oldest generation first."""
    return [row[0] for row in connection.execute("select master from generations order by generation")]


def _context(number: int) -> bytes:
    return f"generation {number}".encode()
