"""One retention run: the steps in their order, each a transaction of its own; run again, it does what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import psycopg

from privacy.retention import accounts, stores
from privacy.retention.deletion import (
    Step,
    close_days,
    delete_events,
    delete_rows,
    delete_withdrawn,
    drop_partitions,
    remove_values,
)
from privacy.retention.errors import UncoveredTableError
from privacy.retention.files import delete_files, expired_files
from privacy.retention.holds import Tokens
from privacy.retention.planning import Line
from privacy.retention.stores import Method
from privacy.retention.terms import Terms, terms

Progress = Callable[[str], None]
BY_OTHER_STEPS = (Method.PARTITIONS, Method.BOOKS, Method.FOLLOWS, Method.KEPT)


@dataclass(slots=True)
class RetentionReport:
    """What a run did. uncovered and misnamed are faults: tables whose rows would stay for ever."""

    ran_at: datetime
    lines: list[Line] = field(default_factory=list)
    partitions: dict[str, int] = field(default_factory=dict)
    n_closed_days: int = 0
    uncovered: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)

    @property
    def n_deleted(self) -> int:
        """Rows, values and files that went, dropped partitions included."""
        return sum(line.n for line in self.lines) + sum(self.partitions.values())

    @property
    def n_held(self) -> int:
        """What is past its term and held."""
        return sum(line.n_held for line in self.lines)


def run(
    conn: psycopg.Connection, home: Path | None, tokens: Tokens, now: datetime, progress: Progress | None = None
) -> RetentionReport:
    """Delete what is past its term at `now`, through a connection of the erasure role outside a transaction.

    home: the folder with the files, None for the database alone. tokens: keyed pseudonyms of user ids, for holds on
    people and withdrawn consents. progress(step) is called before each step.
    """
    report = RetentionReport(now)
    found = terms(conn, now)
    for name, work in _steps(conn, found, report):
        if progress:
            progress(name)
        with conn.transaction():
            work(Step.begin(conn, found, tokens))
        conn.commit()
    if home is not None:
        _delete_files(conn, home, found, tokens, report)
    report.uncovered, report.misnamed = stores.uncovered(conn), stores.misnamed(conn)
    conn.rollback()
    return report


def sweep_withdrawn(conn: psycopg.Connection, tokens: Tokens, now: datetime) -> int:
    """Delete from closed days what a withdrawal takes from open ones at their next build; returns the rows.

    Part of every run; on its own for who cannot wait a day for it.
    """
    report = RetentionReport(now)
    with conn.transaction():
        step = Step.begin(conn, terms(conn, now), tokens)
        report.lines = [delete_withdrawn(step, store) for store in stores.present(conn) if store.purpose]
    conn.commit()
    return report.n_deleted


def refuse_faults(report: RetentionReport) -> None:
    """Raise UncoveredTableError when a table's rows would stay for ever because nobody said how long they may."""
    if faults := [*report.uncovered, *report.misnamed]:
        raise UncoveredTableError(
            f"{', '.join(faults)}: dated rows without a rule that works; name them in privacy/retention/stores.py"
        )


def deleted_per_day(conn: psycopg.Connection) -> list[tuple[date, int]]:
    """What went, by UTC day of the run: rows, values and files."""
    rows = conn.execute(
        "select (ran_at at time zone 'UTC')::date, sum(n_deleted)::bigint from privacy.retention_runs "
        "group by 1 order by 1"
    ).fetchall()
    return [(day, int(n)) for day, n in rows]


def _steps(
    conn: psycopg.Connection, found: Terms, report: RetentionReport
) -> Iterator[tuple[str, Callable[[Step], None]]]:
    """Days are closed before their events go: what was made of them is then out of reach of a rebuild."""
    there = stores.present(conn)
    conn.rollback()
    yield "accounts", _look
    yield "close days", partial(_close, report)
    yield "drop partitions", partial(_drop, report)
    yield stores.EVENTS, partial(_add, report, delete_events)
    for rule in found.properties:
        yield f"{rule.event_type} {rule.path}", partial(_add, report, partial(remove_values, rule=rule))
    for store in there:
        if store.method not in BY_OTHER_STEPS:
            yield store.table, partial(_add, report, partial(delete_rows, store=store))
        if store.purpose:
            yield f"{store.table}, withdrawn", partial(_add, report, partial(delete_withdrawn, store=store))


def _look(step: Step) -> None:
    """Before events go: what they say about when people were last seen."""
    accounts.look(step.conn, step.terms.now.astimezone(UTC).date())


def _close(report: RetentionReport, step: Step) -> None:
    report.n_closed_days, books = close_days(step)
    report.lines += books


def _drop(report: RetentionReport, step: Step) -> None:
    report.partitions = drop_partitions(step)


def _add(report: RetentionReport, work: Callable[[Step], Line], step: Step) -> None:
    report.lines.append(work(step))


def _delete_files(conn: psycopg.Connection, home: Path, found: Terms, tokens: Tokens, report: RetentionReport) -> None:
    """Files cannot be deleted in a transaction: they are counted as they go and the count is written afterwards."""
    with conn.transaction():
        step = Step.begin(conn, found, tokens)
        for files in expired_files(home, step.terms):
            store, n_deleted = files.store, delete_files(files)
            line = Line(store.name, store.policy, files.cutoff_on, store.method, n_deleted, files.n_held)
            report.lines.append(step.record(line))
    conn.commit()
