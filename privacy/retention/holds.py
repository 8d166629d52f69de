"""Legal holds: what must stay although its term is over, who said so and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import psycopg

from privacy.retention.errors import InvalidRetentionError, UnknownHoldError, UnknownStoreError, UnstatedReasonError
from privacy.retention.stores import EVENTS, LAYERS, Method, Store, by_name, dated_tables

if TYPE_CHECKING:
    from privacy.vault import Vault

# user ids -> their keyed pseudonyms; only the vault can say.
Tokens = Callable[[Sequence[str]], Mapping[str, str]]
COLUMNS = "hold_id, coalesce(user_id, subject), table_name, first_on, last_on, placed_by, reason, placed_at, ends_at"


@dataclass(frozen=True, slots=True)
class Hold:
    """What stays: rows of a subject (the product's user id), of a table, of days; what is None does not narrow it."""

    hold_id: int
    subject: str | None
    table: str | None
    first_on: date | None
    last_on: date | None
    placed_by: str
    reason: str
    placed_at: datetime
    ends_at: datetime | None

    def is_about(self, table: str) -> bool:
        """Whether rows of this table may be meant."""
        return self.table in (None, table)

    def holds_day(self, day: date) -> bool:
        """Whether rows of this day may be meant."""
        return (self.first_on is None or self.first_on <= day) and (self.last_on is None or day <= self.last_on)


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition in SQL with its parameters: values of people are never part of the text."""

    text: str
    parameters: tuple[object, ...] = ()


NOTHING = Clause("false")


def place(  # noqa: PLR0913 - the columns of one hold
    conn: psycopg.Connection,
    *,
    placed_by: str,
    reason: str,
    now: datetime,
    subject: str | None = None,
    table: str | None = None,
    days: tuple[date | None, date | None] = (None, None),
    until: datetime | None = None,
) -> int:
    """Place a hold, in force at once; returns its number. Raises a RetentionInputError."""
    if not placed_by.strip() or not reason.strip():
        raise UnstatedReasonError("a legal hold needs somebody who answers for it and a reason")
    from privacy.retention.files import FILE_STORES, MODELS

    models = (name for name in dated_tables(conn) if name.split(".")[0] in LAYERS)
    known = {*by_name(), *models, MODELS, *(store.name for store in FILE_STORES)}
    if table is not None and table not in known:
        raise UnknownStoreError(f"retention knows no store {table!r}; `lethe privacy retention plan` lists them")
    if (days[0] and days[1] and days[0] > days[1]) or (until and until <= now):
        raise InvalidRetentionError("a hold ends after it begins; check the days and the end")
    row = conn.execute(
        "insert into privacy.legal_holds (subject, table_name, first_on, last_on, placed_by, reason, placed_at, "
        "ends_at) values (%s, %s, %s, %s, %s, %s, %s, %s) returning hold_id",
        (subject, table, *days, placed_by, reason, now, until),
    ).fetchone() or (0,)
    conn.commit()
    return int(row[0])


def release(conn: psycopg.Connection, hold_id: int, *, released_by: str, reason: str, now: datetime) -> None:
    """End a hold; what it kept goes with the next run. Raises UnknownHoldError or UnstatedReasonError."""
    if not released_by.strip() or not reason.strip():
        raise UnstatedReasonError("the end of a legal hold needs somebody who answers for it and a reason")
    ended = conn.execute(
        "update privacy.legal_holds set ends_at = greatest(%s, placed_at), released_by = %s, release_reason = %s "
        "where hold_id = %s and (ends_at is null or ends_at > %s)",
        (now, released_by, reason, hold_id, now),
    ).rowcount
    conn.commit()
    if not ended:
        raise UnknownHoldError(f"no hold {hold_id} is in force; `lethe privacy retention plan` lists those that are")


def in_force(conn: psycopg.Connection, now: datetime, *, lock: bool = False) -> list[Hold]:
    """The holds of this moment, one on a person once for each of their ids. With lock none changes meanwhile."""
    if lock:
        conn.execute("lock table privacy.legal_holds in share mode")
    rows = conn.execute(
        f"select {COLUMNS} from privacy.legal_holds "
        "left join lateral privacy.ids_of(array[subject]) on subject is not null "
        "where placed_at <= %s and (ends_at is null or ends_at > %s) order by hold_id, user_id".encode(),
        (now, now),
    ).fetchall()
    return [Hold(*row) for row in rows]


def holding(conn: psycopg.Connection, subject: str, now: datetime) -> list[Hold]:
    """The holds in force under which rows of a person may be: whoever erases the person asks first."""
    return [hold for hold in in_force(conn, now) if hold.subject in (None, subject)]


def held(store: Store, holds: Iterable[Hold], tokens: Tokens) -> Clause:
    """The rows of a store that stay. A hold on a person holds what names them; sealed or nameless rows it cannot see.

    Bookkeeping stays for nobody: with it the day would be computed again, from the held rows alone.
    """
    if store.method is Method.BOOKS:
        return NOTHING
    own = [clause for hold in holds if hold.is_about(store.table) if (clause := _clause(store, hold, tokens))]
    return _any([*own, _held_events(holds, tokens)] if store.method is Method.KEYS else own)


def whole_day_held(holds: Iterable[Hold]) -> Clause:
    """The event days whose events stay as a whole: such a day is not closed and may be computed again."""
    store = by_name()[EVENTS]
    return _any(
        [clause for h in holds if h.subject is None and h.is_about(EVENTS) if (clause := _clause(store, h, _nobody))]
    )


def keyed_by(vault: Vault) -> Tokens:
    """The pseudonyms of user ids as the privacy transform makes them."""
    from privacy.pseudonyms import PSEUDONYMOUS, subject_tokens

    return lambda subjects: subject_tokens(subjects, vault.salts(subjects), vault.purpose_key(PSEUDONYMOUS))


def holds_file(holds: Iterable[Hold], name: str, day: date) -> bool:
    """Whether a file of a file store stays: holds on people cannot see into files."""
    return any(hold.subject is None and hold.is_about(name) and hold.holds_day(day) for hold in holds)


def blind_to(hold: Hold, stores: Iterable[Store]) -> list[str]:
    """Stores in whose rows a hold on a person finds nobody; hold them whole where the person may be in them."""
    if hold.subject is None:
        return []
    return [store.table for store in stores if hold.is_about(store.table) and store.subject is None]


def _any(clauses: Sequence[Clause]) -> Clause:
    if not clauses:
        return NOTHING
    return Clause(" or ".join(f"({c.text})" for c in clauses), tuple(p for c in clauses for p in c.parameters))


def _nobody(_subjects: Sequence[str]) -> Mapping[str, str]:
    return {}


def _held_events(holds: Iterable[Hold], tokens: Tokens) -> Clause:
    """Keys of held events: without its key an event that is sent again would be stored twice."""
    events = held(by_name()[EVENTS], holds, tokens)
    same = "l.event_day = event_keys.event_day and l.source = event_keys.source and l.id = event_keys.id"
    return Clause(f"exists (select from {EVENTS} as l where {same} and ({events.text}))", events.parameters)


def _clause(store: Store, hold: Hold, tokens: Tokens) -> Clause | None:
    parts: list[str] = []
    parameters: list[object] = []
    if hold.subject is not None:
        if store.subject is None:
            return None
        column, key = store.subject
        parts.append(f"coalesce({column} = %s, false)")
        parameters.append(hold.subject if key == "raw" else tokens([hold.subject])[hold.subject])
    for sign, day in ((">=", hold.first_on), ("<=", hold.last_on)):
        if day is not None:
            parts.append(f"{store.day} {sign} %s")
            parameters.append(day)
    return Clause(" and ".join(parts) or "true", tuple(parameters))
