"""Who is affected: people found in the marked tables, through lineage where a table names nobody. Read-only.

Keyed and blinded people become user ids only on demand, through the vault; nothing of that is stored.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from privacy.access_log import Seen
from privacy.breaches.errors import UnknownTableError
from privacy.breaches.register import MarkedTable
from privacy.retention.holds import Tokens
from privacy.retention.stores import by_name
from warehouse.subjects import SUBJECT_TABLES, SubjectTable

Lineage = Mapping[str, Sequence[str]]  # table -> the tables it is made from
# What dbt's manifest does not say. Counts by day and books of days are made from nobody's rows in particular.
PIPELINE: dict[str, tuple[str, ...]] = {
    "safe.pseudonymous_events": ("raw.system_logs",),
    "safe.anonymous_events": ("raw.system_logs",),
    "raw.event_keys": ("raw.system_logs",),
    "ml.training_sets": ("ml.training_subjects",),
}
KNOWN_PEOPLE = (
    "select user_id from raw.system_logs where user_id is not null union select subject from consent.consent_events"
)


@dataclass(frozen=True, slots=True)
class Found:
    """One table in which people were looked for, and the marked table that led to it."""

    marked: str
    table: str
    key: str
    n_rows: int
    n_subjects: int

    @property
    def is_by_lineage(self) -> bool:
        """Whether the marked table names nobody, so that these are the people it is made from."""
        return self.marked != self.table


@dataclass(frozen=True, slots=True)
class Affected:
    """The people of a breach. user_ids is None until asked for; n_unidentified are pseudonyms nobody can resolve."""

    found: tuple[Found, ...]
    nameless: tuple[str, ...]  # marked tables in which nobody can be found: sealed, or made from no person's rows
    n_people: int | None = None
    n_unidentified: int = 0
    user_ids: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Resolver:
    """What turns pseudonyms back into people: the vault's tokens, and the key that blinds training sets."""

    tokens: Tokens
    blinding_key: bytes = field(repr=False)


def sources(table: str, lineage: Lineage) -> list[SubjectTable]:
    """The nearest tables that name people: the table itself, else those it is made from. Pure."""
    people = {row.table: row for row in SUBJECT_TABLES}
    found: dict[str, SubjectTable] = {}
    seen, waiting = {table}, [table]
    while waiting:
        name = waiting.pop()
        if name in people:
            found[name] = people[name]
            continue
        parents = [p for p in (*lineage.get(name, ()), *PIPELINE.get(name, ())) if p not in seen]
        seen.update(parents)
        waiting += parents
    return [found[name] for name in sorted(found)]


def count(conn: psycopg.Connection, marked: Sequence[MarkedTable], lineage: Lineage) -> Affected:
    """How many people each marked table leads to. Raises UnknownTableError."""
    found = []
    for item in marked:
        _require(conn, item.table)
        for source in sources(item.table, lineage):
            query, parameters = _rows_of(conn, source, item)
            row = conn.execute(
                sql.SQL("select count(*), count(distinct who) from ({}) as r").format(query), parameters
            ).fetchone() or (0, 0)
            found.append(Found(item.table, source.table, source.key, int(row[0]), int(row[1])))
    named = {line.marked for line in found}
    nameless = tuple(sorted({item.table for item in marked} - named))
    return Affected(tuple(found), nameless)


def identify(
    conn: psycopg.Connection,
    marked: Sequence[MarkedTable],
    lineage: Lineage,
    resolver: Resolver,
    *,
    seen: Seen | None = None,
) -> Affected:
    """The people themselves, once each, whatever key a table names them by.

    seen: whom somebody looked at, as the access log tells; given, only those count. Raises UnknownTableError.
    """
    counted = count(conn, marked, lineage)
    people, pseudonyms = _collect(conn, marked, lineage, resolver)
    names = sorted(user for user in people if seen is None or seen(user))
    return Affected(counted.found, counted.nameless, len(names), pseudonyms, tuple(names))


def blinded(token: str, training_set_id: str, blinding_key: bytes) -> bytes:
    """A keyed subject as ml.training_subjects holds it: ml/training_sets.py states the same, a test proves it."""
    key = hmac.digest(blinding_key, training_set_id.encode(), "sha256")
    return hmac.digest(key, token.encode(), "sha256")


def _collect(
    conn: psycopg.Connection, marked: Sequence[MarkedTable], lineage: Lineage, resolver: Resolver
) -> tuple[set[str], int]:
    """(user ids, pseudonyms that belong to nobody known any more)."""
    names: dict[str, set[object]] = {"raw": set(), "keyed": set(), "blinded": set()}
    for item in marked:
        for source in sources(item.table, lineage):
            query, parameters = _rows_of(conn, source, item)
            rows = conn.execute(sql.SQL("select distinct who from ({}) as r").format(query), parameters)
            names[source.key] |= {bytes(who) if isinstance(who, memoryview) else who for (who,) in rows}
    people = {str(who) for who in names["raw"]}
    if names["keyed"] or names["blinded"]:
        users = [str(row[0]) for row in conn.execute(KNOWN_PEOPLE)]
        known = _by_pseudonym(conn, resolver, users, is_blinded=bool(names["blinded"]))
        pseudonyms = names["keyed"] | names["blinded"]
        people |= {known[who] for who in pseudonyms if who in known}
        return people, sum(who not in known for who in pseudonyms)
    return people, 0


def _by_pseudonym(
    conn: psycopg.Connection, resolver: Resolver, users: Sequence[str], *, is_blinded: bool
) -> dict[object, str]:
    known: dict[object, str] = {token: user for user, token in resolver.tokens(users).items()}
    if not is_blinded:
        return known
    keyed = list(known.items())
    for (name,) in conn.execute("select training_set_id from ml.training_sets").fetchall():
        known |= {blinded(str(token), name, resolver.blinding_key): user for token, user in keyed}
    return known


def _rows_of(
    conn: psycopg.Connection, source: SubjectTable, item: MarkedTable
) -> tuple[sql.Composed, tuple[object, ...]]:
    """Rows of a source with a person in them (column who), on the marked days where the source has days."""
    day = _day(conn, source.table)
    conditions = [sql.SQL("{} is not null").format(sql.Identifier(source.column))]
    parameters: list[object] = []
    for sign, limit in ((">=", item.first_on), ("<=", item.last_on)):
        if day and limit:
            conditions.append(sql.SQL(f"{day} {sign} %s"))  # type: ignore[arg-type]
            parameters.append(limit)
    query = sql.SQL("select {} as who from {} where {}").format(
        sql.Identifier(source.column), sql.Identifier(*source.table.split(".")), sql.SQL(" and ").join(conditions)
    )
    return query, tuple(parameters)


def _day(conn: psycopg.Connection, table: str) -> str | None:
    """The expression of a row's day: retention's, or event_day where a view has it."""
    if table in by_name():
        return by_name()[table].day
    row = conn.execute(
        "select 1 from pg_attribute where attrelid = to_regclass(%s) and attname = 'event_day'", (table,)
    ).fetchone()
    return "event_day" if row else None


def _require(conn: psycopg.Connection, table: str) -> None:
    row = conn.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    if "." not in table or not row or not row[0]:
        raise UnknownTableError(f"the database holds no table {table!r}; write it as schema.table")
