"""The vault fails closed, keeps its files private, and gives one salt per subject whoever asks."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from privacy.errors import ReadableVaultError, VaultKeyMismatchError, VaultKeyMissingError
from privacy.vault import Vault
from privacy.vault.errors import DamagedVaultError

SUBJECTS = [f"user-{n}" for n in range(300)]


def test_keys_and_salts_survive_reopening(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "vault")
    key, salts = vault.purpose_key("a"), vault.salts(SUBJECTS)
    again = Vault.open(tmp_path / "vault")
    assert again.purpose_key("a") == key
    assert again.purpose_key("b") != key
    assert again.salts(reversed(SUBJECTS)) == salts
    assert len(set(salts.values())) == len(SUBJECTS)


def test_files_are_for_their_owner_only_and_hold_no_subject(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    vault = Vault.open(folder)
    vault.salts(SUBJECTS)
    vault.purpose_key("a")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
        assert b"user-" not in file.read_bytes()


def test_a_missing_master_key_is_refused(tmp_path: Path) -> None:
    Vault.open(tmp_path).purpose_key("a")
    (tmp_path / "master.key").unlink()
    with pytest.raises(VaultKeyMissingError, match="backup"):
        Vault.open(tmp_path)
    assert not (tmp_path / "master.key").exists()


def test_a_lost_file_of_keys_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    Vault.open(tmp_path).purpose_key("a")
    (tmp_path / "vault.sqlite").unlink()
    with pytest.raises(VaultKeyMissingError, match=r"vault\.sqlite"):
        Vault.open(tmp_path)
    assert not (tmp_path / "vault.sqlite").exists()


def test_a_damaged_file_of_keys_is_refused(tmp_path: Path) -> None:
    Vault.open(tmp_path).purpose_key("a")
    for path in tmp_path.glob("vault.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(DamagedVaultError, match="backup"):
        Vault.open(tmp_path)


def test_salts_without_the_key_of_their_names_are_refused(tmp_path: Path) -> None:
    Vault.open(tmp_path).salts(SUBJECTS)
    with closing(sqlite3.connect(tmp_path / "vault.sqlite", isolation_level=None)) as connection:
        connection.execute("delete from purposes")
    with pytest.raises(VaultKeyMissingError, match="key of their names"):
        Vault.open(tmp_path)


def test_a_purpose_key_with_changed_bytes_is_refused(tmp_path: Path) -> None:
    Vault.open(tmp_path).purpose_key("a")
    with closing(sqlite3.connect(tmp_path / "vault.sqlite", isolation_level=None)) as connection:
        connection.execute("update purposes set wrapped = zeroblob(60) where purpose = 'a'")
    with pytest.raises(VaultKeyMismatchError, match="key of purpose 'a'"):
        Vault.open(tmp_path)


def test_another_master_key_is_refused(tmp_path: Path) -> None:
    Vault.open(tmp_path).purpose_key("a")
    (tmp_path / "master.key").write_bytes(b"x" * 32)
    with pytest.raises(VaultKeyMismatchError):
        Vault.open(tmp_path)


def test_forgotten_salts_are_gone_and_new_ones_differ(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    before = vault.salts(SUBJECTS)
    assert vault.forget(SUBJECTS[:10]) == 10
    assert vault.forget(SUBJECTS[:10]) == 0
    after = vault.salts(SUBJECTS)
    assert [s for s in SUBJECTS if before[s] != after[s]] == SUBJECTS[:10]
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert any(before[SUBJECTS[-1]] in file for file in files)
    assert not any(before[subject] in file for subject in SUBJECTS[:10] for file in files)


def test_a_destroyed_data_key_leaves_no_byte_and_no_other_key_is_touched(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    before = vault.data_keys(SUBJECTS)
    with closing(sqlite3.connect(tmp_path / "vault.sqlite", isolation_level=None)) as connection:
        wrapped = dict(connection.execute("select subject, wrapped from data_keys"))
    assert vault.forget(SUBJECTS[:10]) == 10
    gone = [wrapped[name] for name in vault._blinded(SUBJECTS[:10])]
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert any(wrapped[name] in file for file in files for name in vault._blinded(SUBJECTS[-1:]))
    assert not any(value in file for file in files for value in gone)
    left = vault.known_data_keys(SUBJECTS)
    assert {s: key.secret for s, key in left.items()} == {s: before[s].secret for s in SUBJECTS[10:]}


def test_who_is_held_is_seen_without_making_anything(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    vault.salts(["salted"])
    vault.data_keys(["keyed"])
    assert vault.held(["salted", "keyed", "stranger"]) == {"salted", "keyed"}
    vault.forget(["salted", "keyed"])
    assert vault.held(["salted", "keyed", "stranger"]) == set()
    assert (vault.status().n_salts, vault.status().n_data_keys) == (0, {})


def test_data_keys_are_random_and_reading_makes_none(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    assert vault.known_data_keys(SUBJECTS) == {}
    first = vault.data_keys(["user-1"])["user-1"]
    vault.forget(["user-1"])
    again = vault.data_keys(["user-1"])["user-1"]
    assert (first.secret, first.key_id) != (again.secret, again.key_id)
    assert vault.status().n_data_keys == {1: 1}


def test_a_vault_shows_no_key_when_it_is_printed(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    key = vault.purpose_key("a")
    assert repr(vault) == f"Vault(folder={tmp_path!r})"
    assert str(key) not in repr(vault.data_keys(["user-1"]))


def test_sealed_bytes_open_with_their_own_data_only(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    sealed = vault.seal(b"record", b"import-1/7")
    assert b"record" not in sealed
    assert vault.unseal(sealed, b"import-1/7") == b"record"
    for damaged, data in ((sealed, b"import-1/8"), (sealed[:-1] + b"x", b"import-1/7"), (b"", b"")):
        with pytest.raises(VaultKeyMismatchError):
            vault.unseal(damaged, data)


def _salts(folder: Path, queue: multiprocessing.Queue[dict[str, bytes]]) -> None:
    queue.put(Vault.open(folder).salts(SUBJECTS))


def test_two_processes_agree_on_every_salt(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[dict[str, bytes]] = context.Queue()
    workers = [context.Process(target=_salts, args=(tmp_path / "vault", queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("name", "mode", "wanted"), [(".", 0o750, "700"), ("master.key", 0o644, "600")])
def test_a_vault_that_others_can_read_is_refused(tmp_path: Path, name: str, mode: int, wanted: str) -> None:
    folder = tmp_path / "vault"
    Vault.open(folder)
    path = (folder / name).resolve()
    path.chmod(mode)
    with pytest.raises(ReadableVaultError, match=f"chmod {wanted} .*{path.name}"):
        Vault.open(folder)
    path.chmod(int(wanted, 8))
    Vault.open(folder)
