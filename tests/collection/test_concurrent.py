"""Two imports of the same source at once: the later one waits for the earlier one's ids and finds them known."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from collection import store
from collection.errors import RefusedBatchError
from collection.importer import ImportReport
from collection.imports import ImportCounts
from tests.collection.conftest import line
from warehouse.database import Database

pytestmark = pytest.mark.integration
Import = Callable[[Sequence[bytes]], ImportReport]
OTHER_CONTENT = b"another content"


def claim(conn: psycopg.Connection, id_: str) -> None:
    conn.execute("insert into raw.event_keys values ('shop', %s, %s, '2024-05-01')", (id_, OTHER_CONTENT))


def wait_until_blocked(conn: psycopg.Connection, running: Future[ImportReport]) -> None:
    """Until the import waits for a lock; one that ends instead never met the other's key."""
    while conn.execute("select count(*) from pg_locks where not granted").fetchone() == (0,):
        assert not running.done()
        time.sleep(0.01)


def test_an_id_stored_meanwhile_is_judged_like_one_stored_before(database: Database, import_lines: Import) -> None:
    with database.connect("collection") as other, ThreadPoolExecutor(1) as pool:
        claim(other, "a")
        running = pool.submit(import_lines, [line("a"), line("b")])
        wait_until_blocked(other, running)
        other.commit()
        report = running.result()
    assert report.counts == ImportCounts(2, 1, 0, 1, 0)
    assert report.codes == {"id_collision": 1}


def test_a_batch_that_never_finds_its_ids_free_is_refused_with_a_reason(
    database: Database, import_lines: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connect("collection") as other:
        claim(other, "a")
    monkeypatch.setattr(store, "known_fingerprints", lambda *_: {})  # as if each look-up came too early
    with pytest.raises(RefusedBatchError, match="run the same command again"):
        import_lines([line("a"), line("b")])
    with database.connect("collection") as conn:
        assert conn.execute("select count(*) from raw.system_logs").fetchone() == (0,)
