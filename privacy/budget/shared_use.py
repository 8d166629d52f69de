"""What people of all companies use: shared events as a source of private releases, and the table of what was released.

The rows are those of the anonymous flow before its crowds are formed: what a crowd keeps depends on others, so that one
person could move more figures than the bound on their contributions allows. They never leave the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from privacy.budget.archive import Release
from privacy.budget.bounds import USERS
from privacy.budget.errors import InvalidQueryError
from privacy.budget.ledger import Account, Budget, budget_of
from privacy.budget.queries import Query
from privacy.budget.release import release
from privacy.budget.sources import ArrowSource, Columns, Groups, Reading
from privacy.consent import decisions_for
from privacy.decisions import SHARING, SHARING_BIT
from privacy.identities import by_person, people_of
from privacy.rows import examine
from privacy.transform import raw_rows

if TYPE_CHECKING:
    import pyarrow as pa

DATASET = "safe.anonymous_events"
COLUMNS = Columns("person", "feature")
PARTS = ("event_type", "component", "action")
BETWEEN = " > "  # no label holds it: labels.SAFE
NEEDED = (
    "user_id",
    "company_id",
    "event_type",
    "event_source",
    "component",
    "action",
    "data_classification",
    "created_at",
    "received_at",
    "imported_at",
    "event_day",
)


@dataclass(frozen=True, slots=True)
class Span:
    """Event days from first_on to before end_on."""

    first_on: date
    end_on: date

    def __str__(self) -> str:
        return f"{self.first_on}..{self.end_on}"

    @property
    def days(self) -> list[date]:
        return [self.first_on + timedelta(days=n) for n in range((self.end_on - self.first_on).days)]


@dataclass(frozen=True, slots=True)
class SharedUse:
    """People and what they used in a span, read from raw when a release is paid. conn: the privacy role's."""

    conn: psycopg.Connection
    span: Span
    today: date

    @property
    def columns(self) -> Columns:
        return COLUMNS

    def check(self, statistic: str) -> None:
        """Raise InvalidQueryError for another statistic than people, and for days that are not over or not there."""
        if statistic != USERS:
            raise InvalidQueryError(f"of shared use people are released, not {statistic}")
        if not self.span.days or self.span.end_on > self.today:
            raise InvalidQueryError(f"{self.span}: give a first day and a later end, today at the latest")
        with self.conn.transaction():
            row = self.conn.execute(
                "select count(*) from privacy.closed_days where event_day = any(%s)", (self.span.days,)
            ).fetchone()
        if row and row[0]:
            raise InvalidQueryError(
                f"the events of {row[0]} days of {self.span} are past their term and gone; begin at a later day"
            )

    @contextmanager
    def read(self, statistic: str, groups: Groups) -> Iterator[Reading]:
        """See Source."""
        with ArrowSource(people_and_features(self.conn, self.span.days), COLUMNS).read(statistic, groups) as reading:
            yield reading


def publish(
    conn: psycopg.Connection, period: str, span: Span, parts: int, *, key: bytes, now: datetime
) -> tuple[Release, Budget]:
    """Release the people per feature of a span for one of so many parts of the period's budget, and publish them.

    What was released before is published again and costs nothing. Raises as release.release does: where the budget
    does not cover it, before anything is read or drawn.
    """
    account = Account(DATASET, SHARING, period)
    budget = budget_of(conn, account)
    query = Query(account, str(span), USERS, COLUMNS, None, budget.share(parts), budget.limit.delta / parts)
    source = SharedUse(conn, span, now.date())
    done = release(conn, source, query, key=key, now=now)
    _write(conn, done, span)
    return done, budget_of(conn, account)


def people_and_features(conn: psycopg.Connection, days: Sequence[date]) -> pa.Table:
    """person (the id that they go by) and feature, once a day: events of companies whose person agreed to sharing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        used = pa.concat_tables([_of_day(conn, day) for day in days])
        ids = pc.unique(used["person"]).to_pylist()
        people = by_person(ids, people_of(conn, ids))
    at = pc.index_in(used["person"], value_set=pa.array(ids, pa.string()))
    return used.set_column(0, "person", pa.array(people.values(), pa.string()).take(at))


def _of_day(conn: psycopg.Connection, day: date) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    batch = raw_rows(conn, [day], NEEDED)
    subjects = pc.unique(batch["user_id"]).drop_null().to_pylist()
    rows = examine(batch, decisions_for(conn, subjects))
    is_shared = (rows.reasons == 0) & (rows.held & SHARING_BIT != 0) & (rows.subject_codes >= 0)
    labels = [pc.fill_null(rows.labels[name].cast(pa.string()), "unknown") for name in PARTS]
    made = pa.table({"person": batch["user_id"], "feature": pc.binary_join_element_wise(*labels, BETWEEN)})
    kept = made.filter(pc.and_(pa.array(is_shared), pc.is_valid(batch["company_id"])))
    return kept.group_by(["person", "feature"]).aggregate([])


def _write(conn: psycopg.Connection, done: Release, span: Span) -> None:
    """One transaction; again it changes nothing."""
    last_on = span.end_on - timedelta(days=1)
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            "insert into safe.released_use (spend_id, first_on, last_on, event_type, component, action, n_people, "
            "noise_sd, released_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [
                (done.spend_id, span.first_on, last_on, *group.split(BETWEEN), n, done.facts["scale"], done.released_at)
                for group, n in done.values.items()
            ],
        )
