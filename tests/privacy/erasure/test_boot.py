"""A restored backup remembers people who were erased: it forgets them again before any stage logs in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from privacy.erasure.boot import _batches, boot_lock
from privacy.erasure.deletion import verify
from privacy.erasure.erasure import erase
from privacy.erasure.errors import BrokenLedgerError, SurvivingRowsError
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.ledger import COMPLETED
from privacy.erasure.stores import Stores
from privacy.erasure.unlinking import unlinking
from tests.privacy.erasure.world import ALIAS, NOW, OTHER, PERSON, SETS, THIRD, Members, contents
from warehouse.database import ADMIN, Database
from warehouse.embedded import _bundled_binaries
from warehouse.errors import DatabaseUnreachableError


def backup(database: Database) -> AbstractContextManager[Database]:
    """A copy of the database as it is now, as a backup would restore it."""
    return beside(database, database.address.database)


def empty(database: Database) -> AbstractContextManager[Database]:
    """A database of the same server with nothing in it, for a backup to be restored to."""
    return beside(database, "template0")


@contextmanager
def beside(database: Database, template: str) -> Iterator[Database]:
    """Another database of the same server, gone afterwards."""
    server = replace(database, address=replace(database.address, database="postgres"))
    name = f"{database.address.database}_copy"
    with server.connect(ADMIN, autocommit=True) as conn:
        conn.execute(f'create database "{name}" template "{template}"'.encode())
        try:
            yield replace(database, address=replace(database.address, database=name))
        finally:
            conn.execute(f'drop database "{name}" with (force)'.encode())


def test_nothing_to_do_where_the_database_knows_every_erasure(stores: Stores) -> None:
    assert boot_lock(stores, NOW) is None
    erase(stores, PERSON, aliases=[ALIAS], request_id="r", now=NOW)
    before = contents(stores)
    assert boot_lock(stores, NOW) is None
    assert contents(stores) == before


def test_a_restored_backup_forgets_again(stores: Stores) -> None:
    needles = SubjectKeys.of((PERSON, ALIAS), stores.vault).needles()
    with backup(stores.database) as copy:
        erase(stores, PERSON, aliases=[ALIAS], request_id="r", now=NOW)
        restored = replace(stores, database=copy, models=Members(copy))
        assert [n for n, texts in contents(restored).items() if any(w in t for w in needles for t in texts)]
        others = contents(restored)["features.ftr_user_weekly"]
        replay = boot_lock(restored, NOW)
        assert replay is not None
        assert (replay.n_erasures, replay.n_identities) == (1, 2)
        after = contents(restored)
        assert [n for n, texts in after.items() if any(w in t for w in needles for t in texts)] == []
        assert set(after["features.ftr_user_weekly"]) < set(others)
        assert isinstance(restored.models, Members)
        assert set(restored.models.tainted) == set(SETS)
        assert boot_lock(restored, NOW) is None
        with copy.connect("ml") as conn:
            conn.execute("select 1")


def test_the_anonymised_are_unlinked_again_each_under_a_token_of_their_own(stores: Stores) -> None:
    keys = SubjectKeys.of((PERSON, ALIAS, OTHER, THIRD), stores.vault)
    with backup(stores.database) as copy:
        erase(unlinking(stores), PERSON, aliases=[ALIAS], request_id="r1", now=NOW)
        erase(stores, THIRD, request_id="r2", now=NOW)
        erase(unlinking(stores), OTHER, request_id="r3", now=NOW)
        restored = replace(stores, database=copy, models=Members(copy))
        replay = boot_lock(restored, NOW)
        assert replay is not None
        assert (replay.n_erasures, replay.n_identities) == (3, 4)
        after = contents(restored)
        assert [n for n, texts in after.items() if any(w in t for w in keys.needles() for t in texts)] == []
        assert people(restored) == people(stores) == [5, 8]
        assert boot_lock(restored, NOW) is None


def people(stores: Stores) -> list[int]:
    """How many events each subject has, where every event is unlinked."""
    with stores.database.connect(ADMIN) as conn:
        counts = conn.execute(
            "select count(*), bool_and(event_id like 'x\\_%') from safe.pseudonymous_events group by subject order by 1"
        ).fetchall()
    assert all(is_unlinked for _, is_unlinked in counts)
    return [n for n, _ in counts]


def test_whoever_was_anonymised_and_erased_later_is_erased(stores: Stores) -> None:
    ledger = stores.ledger
    for number, (keys, is_unlinking) in enumerate((([b"a", b"b"], True), ([b"b"], False), ([b"a", b"c"], True))):
        ledger.append(COMPLETED, f"e{number}", keys, NOW, "r", is_unlinking=is_unlinking)
    names = [entry.digest[:20] for entry in ledger.entries()]
    assert list(_batches(ledger.entries())) == [
        (names[1], {b"b"}, False), (names[0], {b"a"}, True), (names[2], {b"c"}, True)
    ]  # fmt: skip


@pytest.mark.once  # a dump of PostgreSQL 18 is for 18; the copy above is made on every server
def test_a_dump_that_is_restored_forgets_again(stores: Stores, tmp_path: Path) -> None:
    needles = SubjectKeys.of((PERSON, ALIAS), stores.vault).needles()
    dump = tmp_path / "backup.dump"
    client(stores.database, "pg_dump", "--format=custom", f"--file={dump}")
    erase(stores, PERSON, aliases=[ALIAS], request_id="r", now=NOW)
    with empty(stores.database) as copy:
        client(copy, "pg_restore", "--exit-on-error", str(dump))
        restored = replace(stores, database=copy, models=Members(copy))
        assert [n for n, texts in contents(restored).items() if any(w in t for w in needles for t in texts)]
        replay = boot_lock(restored, NOW)
        assert replay is not None
        assert (replay.n_erasures, replay.n_identities) == (1, 2)
        after = contents(restored)
        assert [n for n, texts in after.items() if any(w in t for w in needles for t in texts)] == []
        assert boot_lock(restored, NOW) is None
        copy.connect("ml").close()


def client(database: Database, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs on a database, as its administrator."""
    login = conninfo_to_dict(database.url(ADMIN))
    environment = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
    names = {variable: str(login[key]) for variable, key in environment.items()}
    target = f"--dbname={database.address.database}"
    binary = _bundled_binaries() / "bin" / program
    done = subprocess.run([binary, target, *arguments], env=names, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nobody_logs_in_until_the_replay_is_verified(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    with backup(stores.database) as copy:
        erase(stores, PERSON, aliases=[ALIAS], request_id="r", now=NOW)
        restored = replace(stores, database=copy, models=Members(copy))
        waiting = copy.connect("collection")

        def locked(_: object) -> None:
            for stage in ("collection", "privacy", "dbt", "ml", "quality", "dagster", "mlflow"):
                with pytest.raises(DatabaseUnreachableError):
                    copy.connect(stage)
            raise KeyboardInterrupt

        monkeypatch.setattr("privacy.erasure.boot.verify", locked)
        with pytest.raises(KeyboardInterrupt):
            boot_lock(restored, NOW)
        with pytest.raises(Exception, match=r"terminat|closed"):
            waiting.execute("select 1")
        waiting.close()
        with pytest.raises(DatabaseUnreachableError):  # a kill leaves it locked
            copy.connect("ml")
        monkeypatch.setattr("privacy.erasure.boot.verify", verify)
        assert boot_lock(restored, NOW) is not None
        copy.connect("ml").close()


def test_a_replay_that_leaves_something_stays_locked(stores: Stores) -> None:
    with backup(stores.database) as copy:
        erase(stores, PERSON, aliases=[ALIAS], request_id="r", now=NOW)
        restored = replace(stores, database=copy, models=Members(copy))
        with copy.connect(ADMIN) as conn:
            conn.execute("create table warehouse.notes (t text)")
            conn.execute("insert into warehouse.notes values (%s)", (PERSON,))
        with pytest.raises(SurvivingRowsError, match=r"warehouse\.notes"):
            boot_lock(restored, NOW)
        with pytest.raises(DatabaseUnreachableError):
            copy.connect("ml")
        with copy.connect(ADMIN) as conn:
            conn.execute("drop table warehouse.notes")
        assert boot_lock(restored, NOW) is not None


def test_a_ledger_older_than_the_database_is_refused(stores: Stores) -> None:
    erase(stores, PERSON, aliases=[ALIAS], request_id="r", now=NOW)
    first = stores.ledger.path.read_bytes()
    erase(stores, OTHER, request_id="r2", now=NOW)
    stores.ledger.path.write_bytes(first)
    with pytest.raises(BrokenLedgerError, match="restore the ledger"):
        boot_lock(stores, NOW)
