"""Makes ids one person: what a product states about its anonymous ids, and what a steward decides. No way back.

From the merge on all events of the person carry one token; the days of those that change are dirty. A no of one id
becomes a no of all, and every later word is kept for all (consent.py): decision 0009 says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from privacy.alias_pairs import Pair, require_words
from privacy.consent import Decision, append_decisions
from privacy.errors import IdentityInputError
from privacy.identities import every_id, people_of

SOURCE = "identity merge"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What statements come to: merges of whole people, and statements that only a steward may put into force."""

    merges: tuple[Pair, ...] = field(repr=False)
    conflicts: tuple[Pair, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Word:
    """Whose word a merge is, where it came from, why and when."""

    source: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Merged:
    """How many people became one with another, how many statements wait for a steward, how many days are dirty now."""

    n_merged: int = 0
    n_conflicts: int = 0
    n_days: int = 0


def merge(conn: psycopg.Connection, pairs: Sequence[Pair], *, by: str, reason: str, at: datetime) -> Merged:
    """A steward's word: each (alias, user) is one person, whoever else either of them is.

    One transaction, all or none; again it changes nothing. Raises IdentityInputError for an empty or unknown id, one
    id twice, or a decision without a name and a reason, which must not hold the ids.
    """
    require_words(pairs, by, reason)
    with conn.transaction():
        ids = {name for pair in pairs for name in pair}
        if n_unknown := sum(not _is_known(conn, name) for name in ids):
            raise IdentityInputError(f"{n_unknown} of {len(ids)} ids are unknown: no event, decision or account")
        done = _merge(conn, pairs, Word(SOURCE, by, reason, at), is_steward=True)
    conn.commit()
    return done


def take_statements(conn: psycopg.Connection, stated: Iterable[Pair], *, source: str, at: datetime) -> Merged:
    """What a source says in its events: (anonymous id, user id), in the order in which it was said.

    An id that stands for somebody already is not joined with another person: that statement waits for a steward.
    One transaction; again it changes nothing.
    """
    pairs = list(dict.fromkeys((alias, user) for alias, user in stated if alias.strip() and alias != user))
    if not pairs:
        return Merged()
    with conn.transaction():
        done = _merge(conn, pairs, Word(source, "import", "the source states that both ids are one person", at))
    conn.commit()
    return done


def conflicts(conn: psycopg.Connection) -> list[tuple[str, str, str, datetime]]:
    """Statements that wait for a steward, oldest first: (alias, user, source, when)."""
    return conn.execute(
        "select m.user_id, m.same_as_user_id, m.source, m.merged_at from privacy.identity_merges as m "
        "cross join lateral privacy.people_of(array[m.user_id]) as one "
        "cross join lateral privacy.people_of(array[m.same_as_user_id]) as other "
        "where not m.is_in_force and one.person <> other.person order by m.merge_id"
    ).fetchall()


def decided(
    stated: Sequence[Pair], people: Mapping[str, str], identified: Collection[str], *, is_steward: bool = False
) -> Verdict:
    """Walk through statements in order. Pure.

    people: the id that a person goes by, for ids that go by another; identified: ids that were merged with any.
    """
    above, known = dict(people), set(identified)
    merges: list[Pair] = []
    waiting: list[Pair] = []
    for alias, user in stated:
        one, other = _top(above, alias), _top(above, user)
        if one == other:
            continue
        if alias in known and not is_steward:
            waiting.append((alias, user))
            continue
        above[one] = other
        known |= {alias, user, one, other}
        merges.append((one, other))
    return Verdict(tuple(merges), tuple(waiting))


def _top(above: Mapping[str, str], user: str) -> str:
    while user in above:
        user = above[user]
    return user


def _merge(conn: psycopg.Connection, pairs: Sequence[Pair], word: Word, *, is_steward: bool = False) -> Merged:
    """In the caller's transaction. Decisions that come in meanwhile wait, and are then kept for all ids."""
    conn.execute("lock table privacy.identity_merges, consent.consent_events in share row exclusive mode")
    ids = list({name for pair in pairs for name in pair})
    people = people_of(conn, ids)
    verdict = decided(pairs, people, _identified(conn, ids), is_steward=is_steward)
    moved = every_id(conn, [one for one, _ in verdict.merges])
    _insert(conn, verdict.merges, word, is_in_force=True)
    n_conflicts = _insert(conn, verdict.conflicts, word, is_in_force=False)
    n_days = _mark_dirty(conn, moved)
    append_decisions(conn, _refusals(conn, [other for _, other in verdict.merges], word))
    return Merged(len(verdict.merges), n_conflicts, n_days)


def _insert(conn: psycopg.Connection, pairs: Sequence[Pair], word: Word, *, is_in_force: bool) -> int:
    """Write pairs in their order; what waits is kept once. How many rows are new."""
    if not pairs:
        return 0
    return conn.execute(
        "insert into privacy.identity_merges (user_id, same_as_user_id, is_in_force, source, merged_by, reason, "
        "merged_at) select alias, person, %s, %s, %s, %s, %s "
        "from unnest(%s::text[], %s::text[]) with ordinality as said (alias, person, place) order by place "
        "on conflict (user_id, same_as_user_id) where not is_in_force do nothing",
        (is_in_force, word.source, word.by, word.reason, word.at, *map(list, zip(*pairs, strict=True))),
    ).rowcount


def _identified(conn: psycopg.Connection, ids: Sequence[str]) -> set[str]:
    rows = conn.execute(
        "select i from unnest(%s::text[]) as i where exists (select from privacy.identity_merges "
        "where is_in_force and user_id = i) or exists (select from privacy.identity_merges "
        "where is_in_force and same_as_user_id = i)",
        (ids,),
    )
    return {str(row[0]) for row in rows}


def _mark_dirty(conn: psycopg.Connection, moved: Sequence[str]) -> int:
    """The days of events whose token changes; how many."""
    return conn.execute(
        "insert into privacy.dirty_days (event_day, version, cause) "
        "select event_day, nextval('privacy.dirty_day_version'), 'identity' from (select distinct event_day "
        "from raw.system_logs join unnest(%s::text[]) as m (moved) on user_id = moved) as days "
        "on conflict (event_day) do update set version = excluded.version, cause = excluded.cause",
        (list(moved),),
    ).rowcount


def _refusals(conn: psycopg.Connection, merged: Sequence[str], word: Word) -> list[Decision]:
    """A withdrawal for every id of the people whose own latest word differs from the no of another of their ids."""
    found = conn.execute("select user_id, asked from privacy.ids_of(%s)", (list(merged),))
    people: dict[str, str] = dict(found.fetchall())
    said = conn.execute(
        "select subject, purpose from consent.consent_settings where subject = any(%s) and decision = 'withdraw'",
        (list(people),),
    ).fetchall()
    why = "another id of the same person had withdrawn"
    return [
        Decision(user, purpose, "withdraw", word.at, word.at, SOURCE, "api", why, recorded_by=word.by)
        for user, purpose in spread(people, said)
    ]


def spread(people: Mapping[str, str], refused: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(id, purpose) of every id whose person refused a purpose under another id, but not under this one. Pure.

    people: the person of every id; refused: (id, purpose) as the ledger has it.
    """
    said = set(refused)
    of_people: dict[str, set[str]] = {}
    for user, purpose in said:
        of_people.setdefault(people[user], set()).add(purpose)
    return sorted(
        (user, purpose)
        for user, person in people.items()
        for purpose in of_people.get(person, ())
        if (user, purpose) not in said
    )


def _is_known(conn: psycopg.Connection, user: str) -> bool:
    row = conn.execute(
        "select exists (select from raw.system_logs where user_id = %(user)s) "
        "or exists (select from consent.consent_events where subject = %(user)s) "
        "or exists (select from privacy.accounts where subject = %(user)s) "
        "or exists (select from privacy.identity_merges where user_id = %(user)s or same_as_user_id = %(user)s)",
        {"user": user},
    ).fetchone()
    return bool(row and row[0])
