"""The dry run: what a run would delete and what holds keep, counted per store. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import psycopg

from privacy.retention import accounts, stores
from privacy.retention.files import FILE_STORES, expired_files
from privacy.retention.holds import NOTHING, Clause, Hold, Tokens, held, in_force
from privacy.retention.partitions import has_rows, partitions
from privacy.retention.policies import PropertyRule
from privacy.retention.stores import Store
from privacy.retention.terms import Terms, terms
from privacy.retention.withdrawals import WITHDRAWN, withdrawn

VALUES, PROPOSED = "values", "proposed"
# Days that are computed again at present: those whose books stand.
OPEN_DAYS = "(select event_day from raw.event_days union select event_day from safe.event_days) as days"


@dataclass(frozen=True, slots=True)
class Line:
    """One store: how many rows, values or files past their term go (or went), and how many a hold keeps."""

    store: str
    policy: str
    cutoff_on: date | None
    method: str
    n: int
    n_held: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run would do now. uncovered and misnamed are faults: tables without a rule that works.

    without_store: policies whose term acts on nothing, because nothing here collects such data.
    """

    lines: tuple[Line, ...]
    partitions: tuple[str, ...]
    n_closing_days: int
    holds: tuple[Hold, ...]
    uncovered: tuple[str, ...]
    misnamed: tuple[str, ...]
    without_store: tuple[str, ...]


def plan(conn: psycopg.Connection, home: Path | None, tokens: Tokens, now: datetime) -> Plan:
    """Count what is past its term; home is the folder with the files, None for the database alone."""
    found = terms(conn, now, in_force(conn, now))
    there = stores.present(conn)
    lines = [table_line(conn, store, found, tokens) for store in there]
    lines += [withdrawn_line(conn, store, found, tokens) for store in there if store.purpose]
    lines += [value_line(conn, rule, found, tokens) for rule in found.properties]
    lines += [
        Line(files.store.name, files.store.policy, files.cutoff_on, files.store.method, len(files.gone), files.n_held)
        for files in (expired_files(home, found) if home else [])
    ]
    lines += account_lines(conn, found)
    result = Plan(
        tuple(lines), _whole_partitions(conn, found, tokens), _n_closing(conn, found), found.holds,
        tuple(stores.uncovered(conn)), tuple(stores.misnamed(conn)),
        tuple(stores.without_store(conn, found.policies, (store.policy for store in FILE_STORES))),
    )  # fmt: skip
    conn.rollback()
    return result


def table_line(conn: psycopg.Connection, store: Store, found: Terms, tokens: Tokens) -> Line:
    """What is past its term in one table."""
    counts = _counts(conn, store.table, found.expired(store), held(store, found.holds, tokens))
    return Line(store.table, store.policy, found.cutoff(store.policy), store.method, *counts)


def withdrawn_line(conn: psycopg.Connection, store: Store, found: Terms, tokens: Tokens) -> Line:
    """What goes from one table because people withdrew from what it is for."""
    gone = withdrawn(conn, store, tokens)
    # A row that is past its term as well is counted there.
    counts = _counts(conn, store.table, gone, held(store, found.holds, tokens), found.expired(store))
    return Line(store.table, f"consent: {store.purpose}", None, WITHDRAWN, *counts)


def value_line(conn: psycopg.Connection, rule: PropertyRule, found: Terms, tokens: Tokens) -> Line:
    """How many events hold a value that is past its term."""
    events = stores.by_name()[stores.EVENTS]
    kept = held(events, found.holds, tokens)
    # An event that goes as a whole takes its values with it: they are counted there.
    counts = _counts(conn, stores.EVENTS, found.expired_values(rule), kept, found.expired(events))
    return Line(f"{rule.event_type} {rule.path}", "values", found.value_cutoff(rule), VALUES, *counts)


def account_lines(conn: psycopg.Connection, found: Terms) -> list[Line]:
    """How many people's accounts are over and will be put before the officer, as of the last run's look."""
    ended = accounts.ended(conn, found)
    return [
        Line(
            "privacy.accounts", ending, found.cutoff(ending), PROPOSED,
            sum(e.ending is ending and not e.is_held for e in ended),
            sum(e.ending is ending and e.is_held for e in ended),
        )
        for ending in accounts.Ending
    ]  # fmt: skip


def _counts(
    conn: psycopg.Connection, table: str, expired: Clause, kept: Clause, gone: Clause = NOTHING
) -> tuple[int, int]:
    if expired == NOTHING:
        return 0, 0
    row = conn.execute(
        f"select count(*) filter (where not ({kept.text}) and not ({gone.text})), "
        f"count(*) filter (where {kept.text}) from {table} where {expired.text}".encode(),
        (*kept.parameters, *gone.parameters, *kept.parameters, *expired.parameters),
    ).fetchone() or (0, 0)
    return int(row[0]), int(row[1])


def _whole_partitions(conn: psycopg.Connection, found: Terms, tokens: Tokens) -> tuple[str, ...]:
    store = stores.by_name()[stores.EVENTS]
    kept, expired = held(store, found.holds, tokens), found.expired(store)
    staying = Clause(f"({kept.text}) or not ({expired.text})", (*kept.parameters, *expired.parameters))
    old = [part for part in partitions(conn) if part.is_before(found.events_cutoff)]
    return tuple(part.name for part in old if not has_rows(conn, part, staying))


def _n_closing(conn: psycopg.Connection, found: Terms) -> int:
    closing = found.closing()
    row = conn.execute(
        f"select count(*) from {OPEN_DAYS} where {closing.text}".encode(), closing.parameters
    ).fetchone() or (0,)
    return int(row[0])
