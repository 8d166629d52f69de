"""Rotation of the master key: nothing is lost when it is killed, and both generations open while it runs."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from privacy.errors import VaultKeyMismatchError
from privacy.vault import Vault
from privacy.vault.errors import RotationRunningError
from privacy.vault.files import claimed

SUBJECTS = [f"user-{n}" for n in range(2_000)]
ROTATE = """
import sys, time
from pathlib import Path
from privacy.vault import Vault

def tell(n):
    print(n, flush=True)
    time.sleep(0.02)

Vault.open(Path(sys.argv[1])).rotate(rows=100, progress=tell)
"""


def secrets_of(vault: Vault, subjects: list[str] = SUBJECTS) -> dict[str, bytes]:
    return {subject: key.secret for subject, key in vault.known_data_keys(subjects).items()}


class StoppedError(Exception):
    """The place where a test stops a rotation."""


def stop_at(n: int) -> Callable[[int], None]:
    def progress(n_done: int) -> None:
        if n_done >= n:
            raise StoppedError

    return progress


def test_a_rotation_killed_midway_is_finished_by_the_next(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    vault.data_keys(SUBJECTS)
    before, purpose, salts = secrets_of(vault), vault.purpose_key("a"), vault.salts(SUBJECTS[:5])
    old_master = (tmp_path / "master.key").read_bytes()
    kill_after(tmp_path, "500")

    found = Vault.open(tmp_path)
    assert list(found.status().generations) == [1, 2]
    assert min(found.status().n_data_keys.values()) > 0, "killed too early or too late to show anything"
    assert secrets_of(found) == before
    made_meanwhile = found.data_keys(["late"])["late"].secret
    assert found.status().n_data_keys[2] + found.status().n_data_keys[1] == len(SUBJECTS) + 1

    done = found.rotate()
    assert 0 < done.n_data_keys < len(SUBJECTS), "what was done before the kill is not done again"
    again = Vault.open(tmp_path)
    assert again.status().n_data_keys == {2: len(SUBJECTS) + 1}
    assert list(again.status().generations) == [2]
    assert secrets_of(again) == before
    assert secrets_of(again, ["late"]) == {"late": made_meanwhile}
    assert (again.purpose_key("a"), again.salts(SUBJECTS[:5])) == (purpose, salts)
    assert (tmp_path / "master.key").read_bytes() != old_master


def kill_after(folder: Path, line: str) -> None:
    """Rotate in a process of its own and kill it once it has printed a line."""
    command = [sys.executable, "-c", ROTATE, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for printed in process.stdout:
            if printed.strip() == line:
                process.kill()
                break
        assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("place", ["before the generation", "before the files are tidied"])
def test_a_rotation_stopped_between_file_and_store_is_finished(tmp_path: Path, place: str) -> None:
    vault = Vault.open(tmp_path)
    before = vault.data_keys(SUBJECTS[:5])
    if place == "before the generation":
        vault._next_master()
    else:
        old = (tmp_path / "master.key").read_bytes()
        vault.rotate()
        (tmp_path / "master.key").rename(tmp_path / "master.next.key")
        (tmp_path / "master.key").write_bytes(old)
        (tmp_path / "master.key").chmod(0o600)
    Vault.open(tmp_path).rotate()
    assert secrets_of(Vault.open(tmp_path), SUBJECTS[:5]) == {s: key.secret for s, key in before.items()}
    assert not (tmp_path / "master.next.key").exists()


def test_a_vault_open_elsewhere_makes_keys_of_the_new_generation(tmp_path: Path) -> None:
    vault, elsewhere = Vault.open(tmp_path), Vault.open(tmp_path)
    vault.data_keys(SUBJECTS[:500])
    with pytest.raises(StoppedError):
        vault.rotate(rows=100, progress=stop_at(100))
    elsewhere.data_keys(["late"])
    elsewhere.purpose_key("late")
    vault.rotate()
    assert Vault.open(tmp_path).status().n_data_keys == {2: 501}
    assert secrets_of(elsewhere, ["late"]) == secrets_of(Vault.open(tmp_path), ["late"]) != {}
    assert elsewhere.purpose_key("late") == Vault.open(tmp_path).purpose_key("late")


def test_a_subject_forgotten_during_a_rotation_stays_forgotten(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    vault.data_keys(SUBJECTS[:500])
    with pytest.raises(StoppedError):
        vault.rotate(rows=100, progress=stop_at(100))
    assert vault.forget(SUBJECTS[:50]) == 50
    vault.rotate()
    assert secrets_of(vault).keys() == set(SUBJECTS[50:500])


def test_two_rotations_at_once_are_refused(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    with claimed(tmp_path / "rotation.lock"), pytest.raises(RotationRunningError):
        vault.rotate()
    assert list(vault.status().generations) == [1]


def test_the_old_generation_is_not_deleted_while_a_key_needs_it(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    vault.data_keys(SUBJECTS[:5])
    with closing(sqlite3.connect(tmp_path / "vault.sqlite", isolation_level=None)) as connection:
        connection.execute(
            "create trigger stays after update on data_keys begin "
            "update data_keys set generation = 1 where subject = (select min(subject) from data_keys); end"
        )
    with pytest.raises(VaultKeyMismatchError, match="older generation"):
        vault.rotate()
    assert list(vault.status().generations) == [1, 2]


def test_the_old_wrapping_key_leaves_no_byte(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path)
    vault.data_keys(SUBJECTS[:5])
    with closing(sqlite3.connect(tmp_path / "vault.sqlite", isolation_level=None)) as connection:
        old = connection.execute("select wrapped from generations").fetchone()[0]
        keys = [row[0] for row in connection.execute("select wrapped from data_keys")]
    vault.rotate()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [wrapped for wrapped in (old, *keys) if wrapped in content]
