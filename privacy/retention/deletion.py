"""What a run does to each store, a transaction a step: a killed run leaves every step done or not, and goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import psycopg

from privacy.retention.holds import NOTHING, Clause, Tokens, held, in_force
from privacy.retention.partitions import drop_before
from privacy.retention.planning import OPEN_DAYS, VALUES, Line
from privacy.retention.policies import PropertyRule
from privacy.retention.stores import EVENTS, Method, Store, by_name
from privacy.retention.terms import Terms
from privacy.retention.withdrawals import WITHDRAWN, withdrawn

# A build in progress must not write the books of a day while they are taken away. The name is what dbt's models lock:
# `this` as dbt writes it (macros/dirty_days.sql).
LOCK_MODELS = """
select pg_advisory_xact_lock(hashtextextended(format('"%s"."%s"."%s"', current_database(), schemaname, tablename), 0))
from (
  select schemaname, tablename from pg_tables
  where schemaname = any(array['staging', 'sessions', 'aggregates', 'features', 'marts'])
    and tablename in (select model from staging.model_days) order by 1, 2
) as models
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of a run: the terms as they are in it, with all holds locked."""

    conn: psycopg.Connection
    terms: Terms
    tokens: Tokens

    @classmethod
    def begin(cls, conn: psycopg.Connection, found: Terms, tokens: Tokens) -> Step:
        """Inside the caller's transaction: the terms with the holds of this moment, which cannot change meanwhile."""
        return cls(conn, replace(found, holds=tuple(in_force(conn, found.now, lock=True))), tokens)

    def record(self, line: Line) -> Line:
        """Write down what went, in the transaction in which it goes. A step without effect leaves no row."""
        if line.n or line.n_held:
            self.conn.execute(
                "insert into privacy.retention_runs (ran_at, store, policy, cutoff_on, method, n_deleted, n_held) "
                "values (%s, %s, %s, %s, %s, %s, %s)",
                (self.terms.now, line.store, line.policy, line.cutoff_on, line.method, line.n, line.n_held),
            )
        return line


def close_days(step: Step) -> tuple[int, list[Line]]:
    """End the event days past their term: their books go in one transaction, so that nothing computes them again.

    What dbt made of them stays until its own policy's end. Returns how many days are newly closed, and the books.
    """
    if _exists(step.conn, "staging.model_days"):
        step.conn.execute(LOCK_MODELS)
        step.conn.execute("lock table staging.model_days in share row exclusive mode")
    # An import that touches a day at this very moment waits, and finds the day closed.
    step.conn.execute("lock table raw.event_days in share row exclusive mode")
    closing = step.terms.closing()
    n_closed = step.conn.execute(
        "insert into privacy.closed_days (event_day, n_events, closed_at) "
        "select event_day, coalesce((select n_events from raw.event_days e where e.event_day = days.event_day), 0), %s "
        f"from {OPEN_DAYS} where {closing.text} on conflict do nothing".encode(),
        (step.terms.now, *closing.parameters),
    ).rowcount
    books = [s for s in by_name().values() if s.method is Method.BOOKS and _exists(step.conn, s.table)]
    return n_closed, [delete_rows(step, store) for store in books]


def drop_partitions(step: Step) -> dict[str, int]:
    """Drop whole quarters; returns name -> rows that went with it."""
    cutoff_on = step.terms.events_cutoff
    dropped = drop_before(step.conn, cutoff_on, step.terms.now) if cutoff_on else {}
    store = by_name()[EVENTS]
    for name, n_rows in dropped.items():
        step.record(Line(f"raw.{name}", store.policy, cutoff_on, Method.PARTITIONS, n_rows, 0))
    return dropped


def delete_events(step: Step) -> Line:
    """Delete events past their own class's or their store's term. Days still open get a new version and their count."""
    store = by_name()[EVENTS]
    expired, kept = step.terms.expired(store), held(store, step.terms.holds, step.tokens)
    where = f"({expired.text}) and not ({kept.text})"
    n_deleted = _changing_days(step, f"delete from {EVENTS} where {where}", (*expired.parameters, *kept.parameters))
    return step.record(
        Line(EVENTS, store.policy, step.terms.events_cutoff, store.method, n_deleted, _n_left(step, store, expired))
    )


def remove_values(step: Step, rule: PropertyRule) -> Line:
    """Take the values at a path out of events past the rule's term; the events stay, their days get a new version."""
    store = by_name()[EVENTS]
    expired, kept = step.terms.expired_values(rule), held(store, step.terms.holds, step.tokens)
    n_changed = _changing_days(
        step,
        f"update {EVENTS} set {rule.column} = privacy.without_path({rule.column}, %s) "
        f"where ({expired.text}) and not ({kept.text})",
        (rule.keys, *expired.parameters, *kept.parameters),
        n_lost="0",
    )
    cutoff_on, n_held = step.terms.value_cutoff(rule), _n_left(step, store, expired)
    return step.record(Line(f"{rule.event_type} {rule.path}", VALUES, cutoff_on, VALUES, n_changed, n_held))


def delete_rows(step: Step, store: Store) -> Line:
    """Delete the rows of one table that are past their term and not held."""
    expired, kept = step.terms.expired(store), held(store, step.terms.holds, step.tokens)
    n_deleted = n_held = 0
    if expired != NOTHING:
        n_deleted = step.conn.execute(
            f"delete from {store.table} where ({expired.text}) and not ({kept.text})".encode(),
            (*expired.parameters, *kept.parameters),
        ).rowcount
        n_held = 0 if kept == NOTHING else _n_left(step, store, expired)
    return step.record(
        Line(store.table, store.policy, step.terms.cutoff(store.policy), store.method, n_deleted, n_held)
    )


def delete_withdrawn(step: Step, store: Store) -> Line:
    """Delete what a rebuild would leave out: rows of people whose consent for the table's purpose is withdrawn.

    Days that are open lose these rows in the next build; a closed day is never built again, so they go here.
    """
    gone, kept = withdrawn(step.conn, store, step.tokens), held(store, step.terms.holds, step.tokens)
    n_deleted = step.conn.execute(
        f"delete from {store.table} where ({gone.text}) and not ({kept.text})".encode(),
        (*gone.parameters, *kept.parameters),
    ).rowcount
    return step.record(Line(store.table, f"consent: {store.purpose}", None, WITHDRAWN, n_deleted, 0))


def _changing_days(step: Step, statement: str, parameters: tuple[object, ...], n_lost: str = "n") -> int:
    """Run a statement over events and give the days it touches, while they are open, a new version."""
    row = step.conn.execute(
        f"with touched as ({statement} returning event_day), "
        "counted as (select event_day, count(*) as n from touched group by event_day), "
        f"bumped as (update raw.event_days as d set n_events = d.n_events - {n_lost}, "
        "version = nextval('raw.event_day_version') from counted as c where d.event_day = c.event_day) "
        "select coalesce(sum(n), 0) from counted".encode(),
        parameters,
    ).fetchone() or (0,)
    return int(row[0])


def _n_left(step: Step, store: Store, expired: Clause) -> int:
    """Rows past their term that are still there: those that are held."""
    if expired == NOTHING or not step.terms.holds:
        return 0
    row = step.conn.execute(
        f"select count(*) from {store.table} where {expired.text}".encode(), expired.parameters
    ).fetchone() or (0,)
    return int(row[0])


def _exists(conn: psycopg.Connection, table: str) -> bool:
    row = conn.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    return bool(row and row[0])
