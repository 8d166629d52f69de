"""`erase`: one person out of every store, in steps that may each be killed, complete only when nothing is left.

Order: remember what to look for, refuse late events, derive targets, taint models, count, delete, count again, search,
forget keys, sign. A second call with the same request goes on; an erasure that is complete returns its receipt.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from privacy import signing
from privacy.carriers.catalog import Carrier, carriers, fetch_columns, fetch_views
from privacy.erasure import rows, state, sweep
from privacy.erasure.deletion import delete, verify
from privacy.erasure.errors import ErasureInputError
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.ledger import COMPLETED, OPENED
from privacy.erasure.preparation import blinded_name, count_before, digest_of, prepare, taint
from privacy.erasure.receipt import AggregateProof, Receipt, StoreProof, TargetProof, predicate_digest
from privacy.erasure.stores import Stores, Watch, Work
from privacy.erasure.targets import counted, deletable, require_cover
from privacy.erasure.unlinking import fresh_token, is_unlinking, unlinking
from privacy.identities import every_id
from warehouse.developers import drop_developer_schemas


def erase(
    stores: Stores,
    subject: str,
    *,
    request_id: str,
    now: datetime,
    aliases: Collection[str] = (),
    watch: Watch = lambda _: None,
) -> dict[str, Any]:
    """Erase a person, known under a user id, its aliases and every id merged with one; returns the signed receipt.

    Raises an ErasureError when it is not complete: the same call goes on once the cause is gone. Raises
    ErasureInputError for an empty id.
    """
    if not subject.strip() or any(not alias.strip() for alias in aliases):
        raise ErasureInputError("an erasure needs the user id of a person; it was empty")
    if (receipt := finished(stores, request_id)) is not None:
        return receipt
    work = _open(stores, [subject, *aliases], request_id, now, watch)
    aggregates = prepare(work)
    work = carry_out(work)
    return _finish(work, verify(work), aggregates)


def unfinished(stores: Stores) -> list[str]:
    """Requests whose erasure is not complete, oldest first."""
    with stores.database.connect("erasure") as conn:
        rows = conn.execute("select request_id from privacy.erasures where status <> 'complete' order by opened_at")
        return [str(row[0]) for row in rows]


def resume(stores: Stores, request_id: str, now: datetime) -> dict[str, Any]:
    """Go on with an erasure that knows its person itself; otherwise as erase."""
    with stores.database.connect("erasure") as conn:
        found = state.fetch(conn, state.identify(request_id), stores.vault)
    if found is None or found.keys is None or not found.keys.users:
        raise ErasureInputError(f"there is no unfinished erasure of {request_id}; start it with the person's id")
    first, *others = found.keys.users
    stores = unlinking(stores) if found.keys.unlinked else stores
    return erase(stores, first, request_id=request_id, now=now, aliases=others)


def carry_out(work: Work) -> Work:
    """Taint, count and delete; the erasure with all that was found meanwhile."""
    work = taint(work)
    count_before(work)
    delete(work)
    return work


def finished(stores: Stores, request_id: str) -> dict[str, Any] | None:
    """The receipt of a request whose erasure is complete, or None."""
    path = receipt_path(stores.home, state.identify(request_id))
    with stores.database.connect("erasure") as conn:
        found = state.fetch(conn, state.identify(request_id), stores.vault)
    if found is None or found.status != "complete" or not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def receipt_path(home: Path, erasure_id: str) -> Path:
    return home / "erasures" / "receipts" / f"{erasure_id}.json"


def plan(stores: Stores, subject: str, aliases: Collection[str] = ()) -> dict[str, int]:
    """Rows of a person by target, without changing anything; targets that follow or keep are left out."""
    with stores.database.connect("erasure") as conn:
        keys = SubjectKeys.of(every_id(conn, [subject, *aliases]), stores.vault)
        drop_developer_schemas(conn)  # as an erasure does; here it is rolled back
        require_cover(derive(conn, stores), stores.targets)
        keys = keys.with_members([m for ms in stores.models.members(keys.tokens).values() for m in ms])
        found = {t.name: rows.count(conn, t, keys, "", stores.vault) for t in deletable(stores.targets)}
        conn.rollback()
    return found


def derive(conn: psycopg.Connection, stores: Stores) -> list[Carrier]:
    """The carriers of the live database and of dbt's manifest."""
    return carriers(fetch_columns(conn), fetch_views(conn), stores.manifest)


def _open(stores: Stores, users: list[str], request_id: str, now: datetime, watch: Watch) -> Work:
    """The person's keys, sealed in the state, and their late events refused from here on."""
    watch("open")
    erasure_id = state.identify(request_id)
    with stores.database.connect("erasure") as conn:
        before = state.fetch(conn, erasure_id, stores.vault)
        known = before.keys if before and before.keys else SubjectKeys((), ())
        fresh = [user for user in every_id(conn, users) if user not in known.users]
        if before and is_unlinking(stores) != bool(known.unlinked):
            raise ErasureInputError(f"{request_id} began the other way; erase or anonymise under another request")
        keys = known.merged(SubjectKeys.of(fresh, stores.vault))
        if is_unlinking(stores) and not keys.unlinked:
            keys = replace(keys, unlinked=(fresh_token(stores.random_bytes),))
        opened_at = before.opened_at if before else now
        state.save(conn, stores.vault, request_id, blinded_name(stores, keys), keys, opened_at)
    stores.ledger.append(OPENED, erasure_id, stores.ledger.blinder.all_of(keys), now)
    return Work(stores, erasure_id, request_id, keys, opened_at, now, before.tainted if before else (), watch=watch)


def _finish(work: Work, searched: list[sweep.Searched], aggregates: Mapping[str, str]) -> dict[str, Any]:
    """Forget keys, sign, write down outside, and only then complete inside."""
    work.watch("forget")
    work.stores.vault.forget(work.keys.users)
    n_left = work.stores.vault.forget(work.keys.users)
    work.watch("receipt")
    path = receipt_path(work.stores.home, work.erasure_id)
    document = _signed(work, searched, aggregates, n_left)
    write_receipt(path, document)
    work.watch("ledger")
    keys = work.stores.ledger.blinder.all_of(work.keys)
    digest = signing.digest(document)
    entry = work.stores.ledger.append(
        COMPLETED, work.erasure_id, keys, work.now, digest, is_unlinking=is_unlinking(work.stores)
    )
    work.watch("close")
    with work.stores.database.connect("erasure") as conn:
        state.close(conn, work.erasure_id, digest, entry.digest, work.now)
    return document


def _signed(work: Work, searched: list[sweep.Searched], aggregates: Mapping[str, str], n_left: int) -> dict[str, Any]:
    with work.stores.database.connect("erasure") as conn:
        done = {row.target: row for row in state.progress(conn, work.erasure_id)}
        moved = tuple(AggregateProof(table, before, digest_of(conn, table)) for table, before in aggregates.items())
        row = conn.execute(
            "select count(*) from privacy.restatements where reference = %s", (work.erasure_id,)
        ).fetchone()
    receipt = Receipt(
        work.request_id,
        work.erasure_id,
        blinded_name(work.stores, work.keys),
        len(work.keys.users),
        work.opened_at,
        work.now,
        tuple(_proofs(work, done)),
        tuple(StoreProof(s.store, s.n_items, s.n_bytes, len(s.hits)) for s in searched),
        moved,
        work.tainted,
        work.stores.ledger.head(),
        int(row[0]) if row else 0,
        n_left,
    )
    return signing.sign(receipt.document(), work.stores.vault)


def _proofs(work: Work, done: Mapping[str, state.Progress]) -> list[TargetProof]:
    """A target that was not counted has -1 left: no receipt can be made of it."""
    known = {target.name: target for target in counted(work.stores.targets)}
    extra = [name for name in done if name not in known]
    proofs = []
    for name in (*known, *extra):
        target = known.get(name)
        row = done.get(name) or state.Progress(name, 0, 0, None)
        rule = target.rule.value if target else "clean"
        asked = target.predicate if target else name
        after = -1 if row.after is None else row.after
        proofs.append(TargetProof(name, rule, "", predicate_digest(asked), row.before, row.deleted, after))
    return proofs


def write_receipt(path: Path, document: Mapping[str, Any]) -> None:
    """On disk before anybody says complete; for its owner's eyes."""
    from warehouse.secrets import write_private

    write_private(path, json.dumps(document, indent=1, sort_keys=True))
