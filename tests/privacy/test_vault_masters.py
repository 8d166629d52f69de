"""Master keys from a file, from the environment and from a key service; a vault folder of an earlier version."""

from __future__ import annotations

import base64
import json
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from privacy.errors import VaultKeyMismatchError, VaultKeyMissingError
from privacy.vault import MasterKey, Vault
from privacy.vault.cipher import encrypt
from privacy.vault.errors import NoNewMasterKeyError
from privacy.vault.masters import VARIABLE, LocalMaster, from_setting
from warehouse.settings import InvalidSettingError, Settings

OLD, NEW = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
SUBJECTS = [f"user-{n}" for n in range(20)]


@dataclass
class KeyService:
    """Stands for a KMS: its key never leaves it, and it counts how often it is asked."""

    key_id: str = "kms:test"
    calls: list[str] = field(default_factory=list)
    _key: LocalMaster = field(default_factory=lambda: LocalMaster(secrets.token_bytes(32), "service"))

    def wrap(self, key: bytes, context: bytes) -> bytes:
        self.calls.append("wrap")
        return self._key.wrap(key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        self.calls.append("unwrap")
        return self._key.unwrap(wrapped, context)


def at(home: Path, master_key: str | None = None) -> Vault:
    return Vault.of(replace(Settings.load(home), home=home, master_key=master_key))


def secrets_of(vault: Vault) -> dict[str, bytes]:
    return {subject: key.secret for subject, key in vault.data_keys(SUBJECTS).items()}


def test_a_vault_under_a_key_of_the_environment_has_no_key_file(tmp_path: Path) -> None:
    keys = secrets_of(at(tmp_path, OLD))
    assert not (tmp_path / "vault" / "master.key").exists()
    assert secrets_of(at(tmp_path, OLD)) == keys
    with pytest.raises(VaultKeyMismatchError, match="needs the master key local:"):
        at(tmp_path, NEW)
    with pytest.raises(VaultKeyMissingError, match=VARIABLE):
        at(tmp_path)
    assert not (tmp_path / "vault" / "master.key").exists()


def test_the_environment_is_rotated_by_putting_the_new_key_first(tmp_path: Path) -> None:
    keys = secrets_of(at(tmp_path, OLD))
    with pytest.raises(NoNewMasterKeyError, match="NEW,OLD"):
        at(tmp_path, OLD).rotate()
    assert at(tmp_path, f"{NEW},{OLD}").rotate().n_data_keys == len(SUBJECTS)
    assert secrets_of(at(tmp_path, NEW)) == keys
    with pytest.raises(VaultKeyMismatchError):
        at(tmp_path, OLD)


def test_a_vault_moves_from_its_file_to_the_environment(tmp_path: Path) -> None:
    keys = secrets_of(at(tmp_path))
    moving = at(tmp_path, NEW)
    assert secrets_of(moving) == keys
    moving.rotate()
    assert not (tmp_path / "vault" / "master.key").exists()
    assert secrets_of(at(tmp_path, NEW)) == keys


def test_rotating_a_file_replaces_it(tmp_path: Path) -> None:
    vault = at(tmp_path)
    keys, purpose = secrets_of(vault), vault.purpose_key("a")
    before = (tmp_path / "vault" / "master.key").read_bytes()
    assert vault.rotate().generation == 2
    assert (tmp_path / "vault" / "master.key").read_bytes() != before
    assert sorted(p.name for p in (tmp_path / "vault").glob("master*")) == ["master.key"]
    again = at(tmp_path)
    assert (secrets_of(again), again.purpose_key("a")) == (keys, purpose)
    assert secrets_of(vault) == keys, "a process that had the vault open goes on"
    (tmp_path / "vault" / "master.key").write_bytes(before)
    with pytest.raises(VaultKeyMismatchError):
        at(tmp_path)


def test_a_key_service_is_asked_once_and_not_once_a_key(tmp_path: Path) -> None:
    service = KeyService()
    masters: list[MasterKey] = [service]
    vault = Vault.open(tmp_path, masters=lambda: masters)
    keys = secrets_of(vault)
    assert service.calls == ["wrap"]
    assert secrets_of(Vault.open(tmp_path, masters=lambda: masters)) == keys
    assert service.calls == ["wrap", "unwrap"]
    masters.append(KeyService("kms:other"))
    vault.rotate(masters[1])
    assert secrets_of(Vault.open(tmp_path, masters=lambda: masters[1:])) == keys
    with pytest.raises(VaultKeyMismatchError, match="kms:other"):
        Vault.open(tmp_path, masters=lambda: masters[:1])


@pytest.mark.parametrize("text", ["x", base64.b64encode(b"short").decode(), f"{OLD},", "ä"])
def test_a_setting_that_is_no_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(InvalidSettingError, match="openssl rand") as refusal:
        from_setting(text)
    assert base64.b64encode(b"short").decode() not in str(refusal.value)


def test_settings_do_not_show_the_key(tmp_path: Path) -> None:
    assert OLD not in repr(replace(Settings.load(tmp_path), master_key=OLD))


def earlier_version(folder: Path, *, with_keys: bool = True) -> dict[str, bytes]:
    """A folder as versions before data keys wrote it: master.key wraps keys.json itself, salts in salts.sqlite."""
    folder.mkdir(mode=0o700)
    master = secrets.token_bytes(32)
    keys = {"salt-lookup": secrets.token_bytes(32), "seal": secrets.token_bytes(32)}
    wrapped = {name: base64.b64encode(encrypt(master, key, name.encode())).decode() for name, key in keys.items()}
    files = {"master.key": master, "keys.json": json.dumps(wrapped).encode()}
    for name, content in files.items() if with_keys else ():
        (folder / name).write_bytes(content)
    with closing(sqlite3.connect(folder / "salts.sqlite", isolation_level=None)) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table salts (subject blob primary key, salt blob not null) without rowid")
    for path in folder.iterdir():
        path.chmod(0o600)
    return keys


def test_a_folder_of_an_earlier_version_keeps_its_keys_and_salts(tmp_path: Path) -> None:
    keys = earlier_version(tmp_path / "vault")
    sealed = encrypt(keys["seal"], b"record", b"place")
    with closing(sqlite3.connect(tmp_path / "vault" / "salts.sqlite", isolation_level=None)) as connection:
        connection.execute("insert into salts values (?, ?)", (named("user-1", keys["salt-lookup"]), b"s" * 16))
    for vault in (at(tmp_path), at(tmp_path)):
        assert vault.salts(["user-1"]) == {"user-1": b"s" * 16}
        assert vault.unseal(sealed, b"place") == b"record"
    assert not {"keys.json", "salts.sqlite"} & {path.name for path in (tmp_path / "vault").iterdir()}
    vault.rotate()
    assert at(tmp_path).unseal(sealed, b"place") == b"record"


def named(subject: str, key: bytes) -> bytes:
    import hashlib
    import hmac

    return hmac.digest(key, subject.encode(), hashlib.sha256)


def test_an_earlier_folder_without_its_keys_is_refused(tmp_path: Path) -> None:
    earlier_version(tmp_path / "vault", with_keys=False)
    with pytest.raises(VaultKeyMissingError, match=r"keys\.json"):
        at(tmp_path)
    earlier_version(tmp_path / "other")
    (tmp_path / "other" / "master.key").unlink()
    with pytest.raises(VaultKeyMissingError, match="backup"):
        Vault.open(tmp_path / "other")
    assert not (tmp_path / "other" / "master.key").exists()


def test_an_adoption_killed_before_its_end_is_finished(tmp_path: Path) -> None:
    keys = earlier_version(tmp_path / "vault")
    left = (tmp_path / "vault" / "keys.json").read_bytes()
    at(tmp_path)
    (tmp_path / "vault" / "keys.json").write_bytes(left)
    (tmp_path / "vault" / "keys.json").chmod(0o600)
    assert at(tmp_path).purpose_key("seal") == keys["seal"]
    assert not (tmp_path / "vault" / "keys.json").exists()
