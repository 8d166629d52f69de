"""The vault as its callers know it: purpose keys, salts, data keys, sealing, forgetting, rotation."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from privacy.errors import VaultKeyMissingError
from privacy.vault import masters as master_keys
from privacy.vault.adoption import KEYS_FILE, adopt_keys, adopt_salts
from privacy.vault.cipher import KEY_BYTES, decrypt, encrypt
from privacy.vault.errors import NoNewMasterKeyError, RotationRunningError
from privacy.vault.files import claimed, locked, refuse_readable
from privacy.vault.generations import Generations, masters_used, numbers
from privacy.vault.masters import MasterKey, MasterSource
from privacy.vault.rotation import ROWS, Progress, Rotated, rotate
from privacy.vault.store import SUBJECT_TABLES, Store, delete, select
from privacy.vault.subjects import DataKey, find_keys, find_salts, make_keys, make_salts
from privacy.vault.tombstones import Position, Tombstones
from warehouse.settings import Settings

SEAL_PURPOSE = "seal"
LOOKUP_PURPOSE = "salt-lookup"


@dataclass(frozen=True, slots=True)
class Status:
    """What a vault holds, in counts. More than one generation: a rotation is unfinished."""

    generations: dict[int, str]  # number -> id of its master key
    n_data_keys: dict[int, int]  # generation -> data keys
    n_salts: int
    n_purposes: int
    n_destroyed: int


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault folder (0700, files 0600). Open it with Vault.open."""

    folder: Path
    _store: Store = field(repr=False)
    _generations: Generations = field(repr=False)
    _tombstones: Tombstones = field(repr=False)
    _purposes: dict[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Vault:
        """The vault of a home, with the master keys that its settings name."""
        folder = settings.home / "vault"
        return cls.open(folder, masters=master_keys.source_of(folder, settings.master_key))

    @classmethod
    def open(cls, folder: Path, *, masters: MasterSource | None = None, tombstones: Path | None = None) -> Vault:
        """Open the vault in a folder, making it on first use; keys destroyed since the folder was saved go again.

        Without `masters` the master key is a file in the folder. `tombstones` is a file outside of the folder, by
        default erasures/<name of the folder>.jsonl beside it.
        Raises ReadableVaultError when others may read the folder or a file in it, VaultKeyMissingError when keys or
        salts exist without their master key, VaultKeyMismatchError when the master key does not open them, and
        MissingTombstonesError when the list of destroyed keys is not the one that the vault knows.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        refuse_readable(folder)
        source = masters or master_keys.source_of(folder, None)
        default = folder.resolve().parent / "erasures" / f"{folder.resolve().name}.jsonl"
        store = Store(folder / "vault.sqlite")
        vault = cls(folder, store, Generations(source), Tombstones(tombstones or default))
        with locked(folder):
            adopt_salts(folder, store)
            vault._refuse_lost_store()
            store.create()
            vault._open_keys()
            if vault._forget([])[0]:
                store.overwrite_deleted()
        vault.purpose_key(LOOKUP_PURPOSE)
        return vault

    def purpose_key(self, purpose: str) -> bytes:
        """The random 32-byte key of a purpose, made and wrapped on first use."""
        if purpose not in self._purposes:
            with self._store.reading() as connection:
                found = self._find_purpose(connection, purpose)
            self._purposes[purpose] = found or self._make_purpose(purpose)
        return self._purposes[purpose]

    def salts(self, subjects: Iterable[str]) -> dict[str, bytes]:
        """The 16-byte salt of every subject, made where there is none yet. One transaction for all."""
        blinded = self._blinded(subjects)
        with self._store.reading() as connection:
            found = find_salts(connection, list(blinded))
        if len(found) < len(blinded):
            with self._store.writing() as connection:
                found |= find_salts(connection, [name for name in blinded if name not in found])
                found |= make_salts(connection, (name for name in blinded if name not in found))
        return {subject: found[name] for name, subject in blinded.items()}

    def data_keys(self, subjects: Iterable[str]) -> dict[str, DataKey]:
        """The data key of every subject, random, made where there is none yet. Hold them for a batch, not for longer.

        A key held on after its subject was forgotten still opens and seals; what it seals, nobody else can open.
        """
        blinded = self._blinded(subjects)
        found = self._find_data_keys(list(blinded))
        if len(found) < len(blinded):
            with self._store.writing() as connection:
                keys = self._generations.keys(connection)
                found |= find_keys(connection, [name for name in blinded if name not in found], keys)
                missing = (name for name in blinded if name not in found)
                found |= make_keys(connection, missing, self._generations.current(connection))
        return {subject: found[name] for name, subject in blinded.items()}

    def known_data_keys(self, subjects: Iterable[str]) -> dict[str, DataKey]:
        """The data keys of those subjects who have one: what reading needs, so that reading makes no key."""
        blinded = self._blinded(subjects)
        return {blinded[name]: key for name, key in self._find_data_keys(list(blinded)).items()}

    def forget(self, subjects: Iterable[str]) -> int:
        """Destroy salts and data keys of subjects; how many subjects had one. Their pseudonyms and texts are lost.

        The list of destroyed keys is on disk before the first key goes. Raises UnerasedKeyError.
        """
        with locked(self.folder):
            _, n_deleted = self._forget(list(self._blinded(subjects)))
        self._store.overwrite_deleted()
        return n_deleted

    def held(self, subjects: Iterable[str]) -> set[str]:
        """Those subjects of whom a salt or a data key is there: nobody, once they are forgotten. Makes nothing."""
        blinded = self._blinded(subjects)
        with self._store.reading() as connection:
            found = (select(connection, table, "1", list(blinded)) for table in SUBJECT_TABLES)
            return {blinded[name] for rows in found for name, _ in rows}

    def rotate(self, master: MasterKey | None = None, *, rows: int = ROWS, progress: Progress | None = None) -> Rotated:
        """Wrap every key anew under another master key; a rotation that was killed is finished first, and only that.

        Without `master` it is the first key at hand if that is a new one, else a new file in the folder.
        Raises RotationRunningError, and NoNewMasterKeyError when the environment holds only the key in use.
        """
        with claimed(self.folder / "rotation.lock") as is_ours:
            if not is_ours:
                raise RotationRunningError(f"another process is rotating the keys of {self.folder}; wait for it")
            chosen = master or self._next_master()
            done = rotate(self._store, self._generations, chosen, rows=rows, progress=progress)
            with locked(self.folder):
                self._tidy()
        return done

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Encrypt bytes with AES-256-GCM; the associated data is authenticated, not stored."""
        return encrypt(self.purpose_key(SEAL_PURPOSE), plaintext, associated_data)

    def unseal(self, sealed: bytes, associated_data: bytes) -> bytes:
        """Decrypt what seal made. Raises VaultKeyMismatchError for another key, other data or changed bytes."""
        return decrypt(self.purpose_key(SEAL_PURPOSE), sealed, associated_data, "sealed record")

    def status(self) -> Status:
        """What the vault holds."""
        with self._store.reading() as connection:
            by_generation = "select generation, count(*) from data_keys group by 1 order by 1"
            n_salts, n_purposes = (
                connection.execute(f"select count(*) from {table}").fetchone()[0] for table in ("salts", "purposes")
            )
            return Status(
                dict(zip(numbers(connection), masters_used(connection), strict=True)),
                dict(connection.execute(by_generation).fetchall()),
                n_salts,
                n_purposes,
                self._tombstones.count(_position(connection)),
            )

    def _open_keys(self) -> None:
        """Every generation and purpose key opens, or the vault does not. The caller holds the lock."""
        if (self.folder / KEYS_FILE).exists() and not master_keys.from_files(self.folder):
            adopt_keys(self.folder, self._store, self._generations)  # says what is missing
        with self._store.writing() as connection:
            self._generations.first(connection, lambda: master_keys.create_file(self.folder))
        adopt_keys(self.folder, self._store, self._generations)
        with self._store.reading() as connection:
            self._generations.keys(connection)
            for (purpose,) in connection.execute("select purpose from purposes").fetchall():
                self._find_purpose(connection, purpose)
            self._refuse_lost_lookup(connection)
        self._tidy()

    def _refuse_lost_store(self) -> None:
        """The store is made before its master key, so one without the other was lost."""
        alone = (self.folder / master_keys.MASTER_FILE).exists() and not (self.folder / KEYS_FILE).exists()
        if alone and not self._store.path.exists():
            raise VaultKeyMissingError(
                f"the vault {self.folder} holds {master_keys.MASTER_FILE} but {self._store.path.name} with the keys is "
                f"gone; restore it from its backup, or remove {master_keys.MASTER_FILE} to begin a new vault"
            )

    def _refuse_lost_lookup(self, connection: sqlite3.Connection) -> None:
        tables = (f"select 1 from {table}" for table in SUBJECT_TABLES)
        has_subjects = connection.execute(" union all ".join(tables) + " limit 1").fetchone()
        if has_subjects and self._find_purpose(connection, LOOKUP_PURPOSE) is None:
            raise VaultKeyMissingError(
                f"the vault {self.folder} holds salts or data keys but not the key of their names; "
                "restore the vault from its backup"
            )

    def _tidy(self) -> None:
        with self._store.reading() as connection:
            used = set(masters_used(connection))
        master_keys.tidy_files(self.folder, used)

    def _next_master(self) -> MasterKey:
        with self._store.reading() as connection:
            used = masters_used(connection)
        first = self._generations.masters()[0]
        if len(used) > 1 or first.key_id not in used:
            return first  # a rotation under way has its generation already
        if isinstance(first, master_keys.LocalMaster) and first.place != master_keys.VARIABLE:
            return master_keys.create_file(self.folder, master_keys.NEXT_FILE)
        raise NoNewMasterKeyError(
            f"the first master key at hand is the one in use: put a new one before it, {master_keys.VARIABLE}=NEW,OLD, "
            "and run the same command again; remove OLD afterwards"
        )

    def _find_purpose(self, connection: sqlite3.Connection, purpose: str) -> bytes | None:
        row = connection.execute("select generation, wrapped from purposes where purpose = ?", (purpose,)).fetchone()
        if row is None:
            return None
        generation = self._generations.of(connection, row[0])
        return decrypt(generation.key, row[1], purpose.encode(), f"key of purpose {purpose!r}")

    def _make_purpose(self, purpose: str) -> bytes:
        with self._store.writing() as connection:
            if (found := self._find_purpose(connection, purpose)) is not None:
                return found
            key, current = secrets.token_bytes(KEY_BYTES), self._generations.current(connection)
            row = (purpose, current.number, encrypt(current.key, key, purpose.encode()))
            connection.execute("insert into purposes values (?, ?, ?)", row)
        return key

    def _find_data_keys(self, names: list[bytes]) -> dict[bytes, DataKey]:
        with self._store.reading() as connection:
            return find_keys(connection, names, self._generations.keys(connection))

    def _forget(self, names: list[bytes]) -> tuple[int, int]:
        """Replay what the list holds and the store does not know, then destroy names; how many of each had a key."""
        with self._store.writing() as connection:
            before = _position(connection)
            replayed, end = self._tombstones.since(before)
            n_replayed = delete(connection, replayed)
            if names:
                end = self._tombstones.append(names, end)
            n_deleted = delete(connection, names)
            if end != before:
                connection.execute("insert or replace into tombstones values (1, ?, ?)", (end.n_bytes, end.chain))
        return n_replayed, n_deleted

    def _blinded(self, subjects: Iterable[str]) -> dict[bytes, str]:
        # The store never holds an identifier: it would be a list of people in a second place.
        key = self.purpose_key(LOOKUP_PURPOSE)
        return {
            hmac.digest(key, subject.encode("utf-8", "surrogatepass"), hashlib.sha256): subject for subject in subjects
        }


def _position(connection: sqlite3.Connection) -> Position:
    row = connection.execute("select n_bytes, chain from tombstones").fetchone()
    return Position(*row) if row else Position()
