"""A vault restored from a backup does not bring keys of erased people back, and a missing list of them is noticed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from privacy.vault import Vault
from privacy.vault.errors import ForgottenSubjectError, MissingTombstonesError, UnerasedKeyError
from privacy.vault.fields import seal_fields, unseal_fields
from privacy.vault.tombstones import START, Position, Tombstones

GONE, STAYS, LATER = "gone@example.org", "stays@example.org", "later@example.org"


def restore(backup: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A vault with keys of two people, and its backup beside it."""
    vault = Vault.open(tmp_path / "vault")
    vault.data_keys([GONE, STAYS])
    vault.salts([GONE, STAYS])
    shutil.copytree(tmp_path / "vault", tmp_path / "backup")
    return tmp_path / "vault"


def test_a_restored_vault_forgets_again(folder: Path, tmp_path: Path) -> None:
    vault = Vault.open(folder)
    subjects = pa.array([GONE, STAYS])
    sealed = seal_fields(pa.array([b"one", b"two"]), subjects, "f", vault.data_keys([GONE, STAYS]))
    salts = vault.salts([GONE, STAYS])
    vault.forget([GONE])
    without = Vault.open(tmp_path / "backup", tombstones=tmp_path / "another")
    assert set(without.known_data_keys([GONE, STAYS])) == {GONE, STAYS}, "without the list the key would be back"

    restore(tmp_path / "backup", folder)
    restored = Vault.open(folder)
    keys = restored.known_data_keys([GONE, STAYS])
    assert set(keys) == {STAYS}
    with pytest.raises(ForgottenSubjectError):
        unseal_fields(sealed, subjects, "f", keys)
    opened = unseal_fields(sealed, subjects, "f", keys, forgotten_as_null=True)
    assert opened.to_pylist() == [None, b"two"]
    assert restored.salts([STAYS])[STAYS] == salts[STAYS]
    assert restored.salts([GONE])[GONE] != salts[GONE]
    assert not [path for path in folder.iterdir() if salts[GONE] in path.read_bytes()]


def test_a_key_made_after_its_subject_came_back_survives_a_restore(folder: Path, tmp_path: Path) -> None:
    vault = Vault.open(folder)
    vault.forget([GONE])
    again = vault.data_keys([GONE])[GONE].secret
    shutil.rmtree(tmp_path / "backup")
    shutil.copytree(folder, tmp_path / "backup")
    vault.forget([LATER])
    restore(tmp_path / "backup", folder)
    assert Vault.open(folder).known_data_keys([GONE])[GONE].secret == again


def test_a_kill_between_list_and_store_is_finished_on_opening(folder: Path) -> None:
    vault = Vault.open(folder)
    (name,) = vault._blinded([GONE])
    vault._tombstones.append([name], Position())  # what a killed `forget` had done
    assert set(Vault.open(folder).known_data_keys([GONE, STAYS])) == {STAYS}


def test_a_torn_last_line_was_never_acted_on(folder: Path) -> None:
    vault = Vault.open(folder)
    vault.forget([LATER])
    path = vault._tombstones.path
    path.write_bytes(path.read_bytes() + b'{"subject":"00')
    assert set(Vault.open(folder).known_data_keys([GONE, STAYS])) == {GONE, STAYS}
    vault.forget([GONE])
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 2
    assert set(Vault.open(folder).known_data_keys([GONE, STAYS])) == {STAYS}


@pytest.mark.parametrize("fault", ["removed", "emptied", "shortened", "another vault's", "changed"])
def test_a_list_that_is_not_the_vaults_is_refused(folder: Path, tmp_path: Path, fault: str) -> None:
    vault = Vault.open(folder)
    vault.forget([GONE])
    vault.forget([LATER])
    path = vault._tombstones.path
    lines = path.read_bytes().splitlines(keepends=True)
    other = Vault.open(tmp_path / "other")
    other.forget([GONE, LATER])
    planted = {
        "emptied": b"",
        "shortened": lines[0],
        "another vault's": other._tombstones.path.read_bytes(),
        "changed": lines[0] + lines[1].replace(b'"chain":"', b'"chain":"0')[:-2] + b"\n",
    }
    path.unlink() if fault == "removed" else path.write_bytes(planted[fault])
    with pytest.raises(MissingTombstonesError, match="newest copy"):
        Vault.open(folder)
    with pytest.raises(MissingTombstonesError):
        vault.forget([STAYS])
    assert set(vault.known_data_keys([STAYS])) == {STAYS}, "nobody is forgotten without a trace"


def test_a_changed_line_is_refused_when_it_is_replayed(folder: Path, tmp_path: Path) -> None:
    vault = Vault.open(folder)
    vault.forget([GONE])
    path = vault._tombstones.path
    path.write_bytes(path.read_bytes().replace(b'"subject":"', b'"subject":"f')[:-3] + b"\n")
    restore(tmp_path / "backup", folder)
    with pytest.raises(MissingTombstonesError):
        Vault.open(folder)


def test_the_list_names_nobody_and_is_private(folder: Path) -> None:
    vault = Vault.open(folder)
    vault.forget([GONE])
    path = vault._tombstones.path
    assert path == folder.parent / "erasures" / "vault.jsonl"
    assert GONE.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert vault.status().n_destroyed == 1


def test_the_chain_starts_somewhere_known(tmp_path: Path) -> None:
    tombstones = Tombstones(tmp_path / "list")
    end = tombstones.append([b"a" * 32, b"b" * 32], Position())
    assert tombstones.since(Position(0, START)) == ([b"a" * 32, b"b" * 32], end)
    assert tombstones.since(end) == ([], end)


def test_a_reader_that_keeps_deleted_bytes_alive_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault.open(folder)
    connect = type(vault._store)._connect

    def impatient(store: object) -> object:
        connection = connect(store)  # type: ignore[arg-type]
        connection.execute("pragma busy_timeout = 50")
        return connection

    monkeypatch.setattr(type(vault._store), "_connect", impatient)
    with vault._store.reading() as connection:
        connection.execute("select count(*) from salts").fetchone()
        with pytest.raises(UnerasedKeyError, match="run the same command again"):
            vault.forget([GONE])
    assert vault.forget([GONE]) == 0
