"""The quarters of raw.system_logs: which there are, and dropping the expired ones whole. Rows are deletion.py's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from privacy.retention.holds import Clause

BOUNDS = re.compile(r"FROM \('(\d{4}-\d\d-\d\d)'\) TO \('(\d{4}-\d\d-\d\d)'\)")
LISTED = """
select c.relname::text, pg_get_expr(c.relpartbound, c.oid) from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'raw.system_logs'::regclass order by 1
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One quarter of raw events: its first day and the first day after it."""

    name: str
    first_on: date
    ends_on: date

    def is_before(self, cutoff_on: date | None) -> bool:
        """Whether every event in it is past its term."""
        return cutoff_on is not None and self.ends_on <= cutoff_on


def partitions(conn: psycopg.Connection) -> list[Partition]:
    """The partitions that exist, oldest first."""
    conn.execute("set local datestyle = 'ISO, YMD'")
    rows = conn.execute(LISTED).fetchall()
    found = [(name, BOUNDS.search(bounds)) for name, bounds in rows]
    return [
        Partition(name, date.fromisoformat(match[1]), date.fromisoformat(match[2])) for name, match in found if match
    ]


def has_rows(conn: psycopg.Connection, partition: Partition, staying: Clause) -> bool:
    """Whether a row of the partition stays, which keeps the partition: its other rows are deleted one by one."""
    row = conn.execute(
        f'select exists (select from raw."{partition.name}" where {staying.text})'.encode(), staying.parameters
    ).fetchone()
    return bool(row and row[0])


def drop_before(conn: psycopg.Connection, cutoff_on: date, now: datetime) -> dict[str, int]:
    """Drop the partitions that end before a day and hold no row that stays; returns name -> rows that went.

    In the caller's transaction.
    One that others use for more than five seconds is left out; its rows are then deleted like those of any other.
    """
    rows = conn.execute("select name, n_rows from raw.drop_partitions(%s, %s)", (cutoff_on, now)).fetchall()
    return {str(name): int(n) for name, n in rows}
