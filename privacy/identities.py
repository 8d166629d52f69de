"""Which ids are one person, as the ledger of merges has it. It reads only; merging.py writes.

Cost follows what was merged: without a merge each question is one look at an empty table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import psycopg


def people_of(conn: psycopg.Connection, ids: Collection[str]) -> dict[str, str]:
    """The id that the person goes by, for those of the ids that go by another one."""
    if not is_any_merged(conn):
        return {}
    rows = conn.execute("select user_id, person from privacy.people_of(%s) where user_id <> person", (list(ids),))
    return {str(user): str(person) for user, person in rows}


def others_of(conn: psycopg.Connection, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The other ids of the person, in order, for those of the ids that have any."""
    if not is_any_merged(conn):
        return {}
    rows = conn.execute(
        "select asked, array_agg(user_id order by user_id) from privacy.ids_of(%s) where user_id <> asked group by 1",
        (list(ids),),
    )
    return {str(user): tuple(others) for user, others in rows}


def every_id(conn: psycopg.Connection, ids: Collection[str]) -> tuple[str, ...]:
    """The ids and all others of the same people; those asked about come first."""
    others = others_of(conn, ids)
    return tuple(dict.fromkeys((*ids, *(other for user in ids for other in others.get(user, ())))))


def is_any_merged(conn: psycopg.Connection) -> bool:
    """Whether any two ids are one person."""
    row = conn.execute("select exists (select from privacy.identity_merges)").fetchone()
    return bool(row and row[0])


def by_person(ids: Collection[str], people: Mapping[str, str]) -> dict[str, str]:
    """Every id with the one that its person goes by. Pure."""
    return {user: people.get(user, user) for user in ids}
