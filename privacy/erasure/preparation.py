"""What happens before anything is deleted: cover, proof of predicates, holds, tainted models, counts."""

from __future__ import annotations

import json
from dataclasses import replace

import psycopg
from psycopg import sql

from privacy.carriers.catalog import carriers, fetch_columns, fetch_views
from privacy.erasure import rows, state
from privacy.erasure.errors import HeldSubjectError, MergedIdentityError
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.ledger import OPENED
from privacy.erasure.stores import Stores, Work
from privacy.erasure.targets import Rule, counted, require_cover, require_registry
from privacy.pseudonyms import ANONYMOUS
from warehouse.developers import drop_developer_schemas
from warehouse.roles import DBT_SCHEMAS


def prepare(work: Work) -> dict[str, str]:
    """Refuse what cannot be erased truthfully, before anything is deleted; returns the aggregates' digests."""
    work.watch("prepare")
    require_registry(work.stores.targets)
    with work.stores.database.connect("erasure") as conn:
        drop_developer_schemas(conn)
        columns = fetch_columns(conn)
        found = carriers(columns, fetch_views(conn), work.stores.manifest)
        require_cover(found, work.stores.targets)
        for target in work.stores.targets:
            if target.rule is not Rule.KEEP:
                rows.prove(conn, target)
        _refuse_held(conn, work)
        carrying = {carrier.table for carrier in found}
        days = {c.table for c in columns if c.column == "event_day" and c.kind == "r" and _of_dbt(c.table)}
        return {table: digest_of(conn, table) for table in sorted(days - carrying)}


def _of_dbt(table: str) -> bool:
    return table.split(".", maxsplit=1)[0] in DBT_SCHEMAS and table != "staging.model_days"


def _refuse_held(conn: psycopg.Connection, work: Work) -> None:
    held = conn.execute(
        "select count(*) from privacy.legal_holds where subject = any(%s) and placed_at <= %s "
        "and (ends_at is null or ends_at > %s)",
        (list(work.keys.users), work.now, work.now),
    ).fetchone()
    if held and held[0]:
        raise HeldSubjectError(f"{held[0]} legal holds are in force; release them, then run {work.request_id} again")


def digest_of(conn: psycopg.Connection, table: str) -> str:
    """Rows and contents of a table in any order."""
    name = sql.Identifier(*table.split("."))
    query = sql.SQL("select count(*) || ':' || coalesce(bit_xor(hashtextextended(t::text, 0)), 0) from {} as t")
    row = conn.execute(query.format(name)).fetchone()
    return str(row[0]) if row else ""


def taint(work: Work) -> Work:
    """Members and models first: when the membership rows are gone, nobody can tell any more."""
    work.watch("taint")
    members = work.stores.models.members(work.keys.tokens)
    sets = {*members, *_sets_of(work)}
    tainted = work.stores.models.taint(sorted(sets), cause=work.erasure_id, now=work.now)
    known = {json.dumps(dict(model), sort_keys=True): dict(model) for model in (*work.tainted, *tainted)}
    keys = work.keys.with_members([member for found in members.values() for member in found])
    with work.stores.database.connect("erasure") as conn:
        personas, n_others = rows.personas_of(conn, keys.users)
        if n_others and not work.is_replay:
            raise MergedIdentityError(
                f"{n_others} other user ids share a persona with this person; merge those that are the same person "
                "(lethe privacy identities merge) or name them as aliases, correct the persona of those that are not, "
                f"then run {work.request_id} again"
            )
        keys = keys.merged(SubjectKeys((), (), (), tuple(personas)))
        state.save(conn, work.stores.vault, work.request_id, blinded_name(work.stores, keys), keys, work.opened_at)
        state.note_tainted(conn, work.erasure_id, list(known.values()))
    if not work.is_replay:
        work.stores.ledger.append(OPENED, work.erasure_id, work.stores.ledger.blinder.all_of(keys), work.now)
    return replace(work, keys=keys, tainted=tuple(known.values()))


def _sets_of(work: Work) -> list[str]:
    """Training sets of memberships that are known by their blinded rows alone: a restored copy has no more."""
    with work.stores.database.connect("erasure") as conn:
        found = conn.execute(
            "select distinct training_set_id from ml.training_subjects where blinded_subject = any(%s)",
            (list(work.keys.members),),
        )
        return [str(row[0]) for row in found]


def blinded_name(stores: Stores, keys: SubjectKeys) -> bytes:
    """How the state and the receipt call a person."""
    return stores.ledger.blinder.text(next(iter((*keys.users, *keys.tokens)), ""))


def count_before(work: Work) -> None:
    """Count before; remember the events by which keys and anonymous copies are found."""
    work.watch("plan")
    anonymous = work.stores.vault.purpose_key(ANONYMOUS)
    with work.stores.database.connect("erasure") as conn:
        rows.collect_events(conn, work.keys, work.erasure_id, anonymous)
        state.restate(conn, work.erasure_id, _figures(conn, work), work.now)
        for target in counted(work.stores.targets):
            n_rows = rows.count(conn, target, work.keys, work.erasure_id, work.stores.vault)
            state.note_before(conn, work.erasure_id, target.name, n_rows)


def _figures(conn: psycopg.Connection, work: Work) -> list[str]:
    """Tables of days that hold figures about many people."""
    carrying = {target.table for target in work.stores.targets}
    tables = {c.table for c in fetch_columns(conn) if c.column == "event_day" and c.kind == "r"}
    return sorted(t for t in tables - carrying if _of_dbt(t) or t in ("safe.exclusions", "safe.event_days"))
