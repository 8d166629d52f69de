"""Deleting target by target, and counting and searching afterwards. What is found was prepared in preparation.py."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from privacy.erasure import mentions, rows, state, sweep
from privacy.erasure.errors import SurvivingRowsError
from privacy.erasure.stores import Work
from privacy.erasure.targets import WORKING, Target, counted, deletable
from warehouse.database import ADMIN, Database


def delete(work: Work) -> None:
    """Each target in a transaction of its own with its count; then files and the planner's samples."""
    needles = work.keys.needles()
    with work.stores.database.connect("erasure") as conn:
        for target in deletable(work.stores.targets):
            work.watch(f"delete {target.name}")
            with conn.transaction():
                _delete_target(conn, work, target)
                work.watch(f"deleted {target.name}")
        work.watch("files")
        with conn.transaction():
            state.note_deleted(conn, work.erasure_id, "files", sweep.clean_files(work.stores.home, needles), work.now)
    work.watch("samples")
    refresh_samples(work.stores.database, needles)


def _delete_target(conn: psycopg.Connection, work: Work, target: Target) -> None:
    if target.table == "consent.consent_events":
        blinded = [work.stores.ledger.blinder.text(user) for user in work.keys.users]
        state.keep_consent_blinded(conn, work.erasure_id, work.keys.users, blinded)
    n_rows = rows.delete(conn, target, work.keys, work.erasure_id, work.stores.vault)
    state.note_deleted(conn, work.erasure_id, target.name, n_rows, work.now)


def refresh_samples(database: Database, needles: Sequence[str]) -> None:
    """Have PostgreSQL draw new samples of the columns where its planner still holds a key.

    A table that is empty now keeps its old samples when it is analysed: those are cleared.
    """
    with database.connect(ADMIN, autocommit=True) as conn:
        for table in sweep.samples(conn, needles):
            conn.execute(sql.SQL("analyze {}").format(sql.Identifier(*table.split("."))))
        if emptied := sweep.samples(conn, needles):
            sweep.clear_samples(conn, emptied)


def verify(work: Work) -> list[sweep.Searched]:
    """Count again by the same predicates, then search everything without any; raise while something is left."""
    work.watch("verify")
    searched = _search(work)
    with work.stores.database.connect("erasure") as conn:
        after = {
            target.name: rows.count(conn, target, work.keys, work.erasure_id, work.stores.vault)
            for target in counted(work.stores.targets)
        }
        after[mentions.NAME] = sum(hit.startswith(f"{mentions.TABLE}:") for found in searched for hit in found.hits)
        after["files"] = sum(len(found.hits) for found in searched if found.store.startswith("files"))
        state.note_after(conn, work.erasure_id, after, work.now)
        left = [f"{name}: {n} rows" for name, n in after.items() if n]
        left += [hit for found in searched for hit in found.hits]
        if left:
            state.note_status(conn, work.erasure_id, "surviving")
    if left:
        raise SurvivingRowsError(
            f"{work.request_id} is not complete; left: {'; '.join(dict.fromkeys(left))}. Run the same erasure again; "
            "what stays then is written meanwhile or lies where nothing deletes"
        )
    return searched


def _search(work: Work) -> list[sweep.Searched]:
    """Every table and file. Mentions in other people's events are seen here first: they are taken out, and looked for
    again; reading all events once is what an erasure costs at most where there are none."""
    needles = work.keys.needles()
    with work.stores.database.connect(ADMIN, autocommit=True) as admin:
        hits = sweep.search_table(admin, mentions.TABLE, needles)
        if hits:
            _redact(work)
            hits = sweep.search_table(admin, mentions.TABLE, needles)
        tables = sweep.search_tables(admin, needles, {*WORKING, mentions.TABLE})
        samples = sweep.samples(admin, needles)
    return [
        sweep.Searched(mentions.TABLE, 1, 0, (f"{mentions.TABLE}: {hits} rows",) if hits else ()),
        *tables,
        sweep.Searched("planner samples", 1, 0, tuple(samples)),
        *sweep.search_files(work.stores.home, needles),
    ]


def _redact(work: Work) -> None:
    work.watch("mentions")
    with work.stores.database.connect("erasure") as conn:
        n_rows = mentions.redact(conn, work.keys.needles())
        state.note_deleted(conn, work.erasure_id, mentions.NAME, n_rows, work.now)
