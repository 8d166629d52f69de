"""A person's rows in PostgreSQL: counted, deleted and counted again by a target's one predicate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from privacy.erasure import sealed
from privacy.erasure.errors import InertPredicateError, ReadOnlyTargetError
from privacy.erasure.keys import SubjectKeys
from privacy.erasure.targets import Key, Rule, Target
from privacy.erasure.unlinking import unlink
from privacy.vault import Vault

TOKEN_FORM = r"^u_[0-9a-f]{32}$"  # noqa: S105
Parameters = Mapping[str, Any]
MOST_IDENTITIES = 5  # other user ids that share a persona: more of them are a role
DAYS_OF = {
    "raw.system_logs": ("raw.event_days", "n_events"),
    "safe.pseudonymous_events": ("safe.event_days", "n_pseudonymous"),
    "safe.anonymous_events": ("safe.event_days", "n_anonymous"),
}


def exists(conn: psycopg.Connection, table: str) -> bool:
    """Whether a table or view is there; what dbt has not built yet holds nobody."""
    row = conn.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    return bool(row and row[0])


def count(conn: psycopg.Connection, target: Target, keys: SubjectKeys, erasure_id: str, vault: Vault) -> int:
    """Rows of the person by the target's predicate."""
    if not exists(conn, target.table):
        return 0
    if target.key is Key.SEALED:
        return len(sealed.find(conn, vault, keys.needles()))
    return _count(conn, target, keys.parameters(erasure_id))


def delete(conn: psycopg.Connection, target: Target, keys: SubjectKeys, erasure_id: str, vault: Vault) -> int:
    """Delete (or unlink) the person's rows by the target's predicate, in the caller's transaction; how many they were.

    Raises ReadOnlyTargetError where the server refuses.
    """
    if not exists(conn, target.table):
        return 0
    try:
        if target.key is Key.SEALED:
            return sealed.delete(conn, sealed.find(conn, vault, keys.needles()))
        if target.rule is Rule.UNLINK:
            return unlink(conn, keys.parameters(erasure_id))
        if target.table in DAYS_OF:
            return _delete_by_day(conn, target, keys.parameters(erasure_id))
        query = f"delete from {target.table} where {target.predicate}"
        return conn.execute(query.encode(), keys.parameters(erasure_id)).rowcount
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.RaiseException):
        raise ReadOnlyTargetError(
            f"{target.name} refuses deletion; let the role erasure delete there and run the same erasure again"
        ) from None


def _delete_by_day(conn: psycopg.Connection, target: Target, parameters: Parameters) -> int:
    """Delete and keep the days' counts true. Versions stay: no day has to be built again for one person, but those
    where a copy in the crowd went: the crowd may be too small to hide the others now.

    A transform that read the rows before has the row of its day changed under it and reads again.
    """
    days, column = DAYS_OF[target.table]
    rows = conn.execute(
        f"with gone as (delete from {target.table} where {target.predicate} returning event_day) "
        "select event_day, count(*) from gone group by 1".encode(),
        parameters,
    ).fetchall()
    numbers = ([day for day, _ in rows], [n for _, n in rows])
    conn.execute(
        f"update {days} as d set {column} = d.{column} - g.n from unnest(%s::date[], %s::bigint[]) as g (event_day, n) "
        "where d.event_day = g.event_day".encode(),
        numbers,
    )
    if target.table == "safe.anonymous_events":
        _mark_dirty(conn, numbers[0])
    if target.table == "raw.system_logs":
        conn.execute("update safe.event_days set n_kept = n_kept where event_day = any(%s)", (numbers[0],))
    return sum(numbers[1])


def _mark_dirty(conn: psycopg.Connection, days: Sequence[date]) -> None:
    """Have the privacy transform write days again while their events are there."""
    conn.execute(
        "insert into privacy.dirty_days (event_day, version, cause) "
        "select event_day, nextval('privacy.dirty_day_version'), 'erasure' from raw.event_days "
        "where event_day = any(%s) "
        "on conflict (event_day) do update set version = excluded.version, cause = excluded.cause",
        (list(days),),
    )


def prove(conn: psycopg.Connection, target: Target) -> None:
    """Show a predicate a row that is there: one that finds nothing would count no survivors, ever.

    Raises InertPredicateError. An empty table proves nothing and needs no proof.
    """
    if target.key is Key.SEALED or not exists(conn, target.table):
        return
    if target.key is Key.EVENT:
        _prove_event(conn, target)
        return
    column = sql.Identifier(target.column)
    table = sql.Identifier(*target.table.split("."))
    extra = sql.SQL(" and user_id is null") if target.column == "persona_id" else sql.SQL("")
    query = sql.SQL("select {0} from {1} where {0} is not null{2} limit 1").format(column, table, extra)
    row = conn.execute(query).fetchone()
    if row is None:
        return
    probe = {name: [row[0]] for name in ("users", "tokens", "members", "personas")} | {"unlinked": [], "erasure": ""}
    own = probe if target.column == "persona_id" else _only(probe, target.key)
    if _wrong_form(row[0], target.key) or not _count(conn, target, own):
        raise InertPredicateError(
            f"the predicate of {target.name} does not find a row that is there; correct it in erasure/targets.py"
        )


def _prove_event(conn: psycopg.Connection, target: Target) -> None:
    """The same for what is found by the person's events: one event that is there is remembered, and taken back."""
    columns = ("source", "id", "event_day") if target.column == "id" else ("'' as source", "'' as id", "event_day")
    anonymous = "''" if target.column == "id" else target.column
    with conn.transaction(force_rollback=True):
        n_probes = conn.execute(
            "insert into privacy.erasure_events (erasure_id, source, id, event_day, anonymous_id) "
            f"select 'probe', {', '.join(columns)}, {anonymous} from {target.table} limit 1".encode()
        ).rowcount
        if n_probes and not _count(conn, target, {"erasure": "probe"}):
            raise InertPredicateError(
                f"the predicate of {target.name} does not find a row that is there; correct it in erasure/targets.py"
            )


def _only(probe: Parameters, key: Key) -> dict[str, Any]:
    """The probe for one kind of key alone: a predicate over another kind must not find it."""
    return {name: value if name in (key, "erasure") else [] for name, value in probe.items()}


def _wrong_form(value: object, key: Key) -> bool:
    import re

    if key is Key.MEMBER:
        return not isinstance(value, bytes)
    is_token = isinstance(value, str) and re.match(TOKEN_FORM, value) is not None
    return is_token if key is Key.USER else not is_token


def _count(conn: psycopg.Connection, target: Target, parameters: Parameters) -> int:
    row = conn.execute(f"select count(*) from {target.table} where {target.predicate}".encode(), parameters).fetchone()
    return int(row[0]) if row else 0


def collect_events(conn: psycopg.Connection, keys: SubjectKeys, erasure_id: str, anonymous_key: bytes) -> int:
    """Remember the person's events by source, id, day and anonymous id before their rows go; how many are new."""
    rows = conn.execute(
        "select source, id, event_day from raw.system_logs "
        "where user_id = any(%(users)s) or (user_id is null and persona_id = any(%(personas)s))",
        keys.parameters(erasure_id),
    ).fetchall()
    if not rows:
        return 0
    made = anonymous_ids(anonymous_key, [row[0] for row in rows], [row[1] for row in rows])
    with conn.cursor() as cursor:
        cursor.execute("create temp table found_events (like privacy.erasure_events) on commit drop")
        with cursor.copy("copy found_events from stdin") as copy:
            for (source, event, day), anonymous in zip(rows, made, strict=True):
                copy.write_row((erasure_id, source, event, day, anonymous))
        cursor.execute("insert into privacy.erasure_events select * from found_events on conflict do nothing")
        return cursor.rowcount


def anonymous_ids(key: bytes, sources: Sequence[str], ids: Sequence[str]) -> list[str]:
    """The ids that the privacy transform gave to the anonymous copies of events."""
    import pyarrow as pa

    from privacy.event_ids import event_ids, hexadecimal

    coded = pa.array(sources, pa.string()).dictionary_encode()
    return [str(value) for value in hexadecimal(event_ids(key, coded, pa.array(ids, pa.string()))).to_pylist()]


def personas_of(conn: psycopg.Connection, users: Sequence[str]) -> tuple[list[str], int]:
    """Personas that are the person's alone, and how many other user ids share one of the others.

    A persona of many is a role, not a person: it says nothing about who is who.
    """
    own = {
        str(row[0])
        for row in conn.execute(
            "select distinct persona_id from raw.system_logs where user_id = any(%s) and persona_id is not null",
            (list(users),),
        )
    }
    if not own:
        return [], 0
    rows = conn.execute(
        "select persona_id, count(distinct user_id) from raw.system_logs "
        "where persona_id = any(%s) and user_id <> all(%s) group by 1",
        (sorted(own), list(users)),
    ).fetchall()
    shared = {str(persona): int(n) for persona, n in rows}
    return sorted(own - set(shared)), sum(n for n in shared.values() if n <= MOST_IDENTITIES)
