"""The 72 hours of GDPR Art. 33(1): which alarms are due, and raising each of them once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from privacy.breaches.register import AUTHORITY, Breach, all_breaches

DEADLINE = timedelta(hours=72)
ALARMS = (24, 48, 66)
WATCH = "the clock"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that was raised now for the first time."""

    breach_id: int
    hours: int
    deadline_at: datetime
    time_left: timedelta


def deadline_at(breach: Breach) -> datetime:
    """When the authority has to have been told."""
    return breach.aware_at + DEADLINE


def due_alarms(breach: Breach, now: datetime) -> list[int]:
    """The alarms (hours after awareness) that are due and were not raised; none once told or closed. Pure."""
    if breach.closed_at or breach.was_told(AUTHORITY):
        return []
    elapsed = now - breach.aware_at
    return [hours for hours in ALARMS if elapsed >= timedelta(hours=hours) and hours not in breach.alarms]


def raise_alarms(conn: psycopg.Connection, now: datetime) -> list[Alarm]:
    """Raise what is due over all open breaches; two who watch at once raise each alarm once between them."""
    raised = []
    for breach in all_breaches(conn, only_open=True):
        for hours in due_alarms(breach, now):
            new = conn.execute(
                "insert into privacy.breach_entries (breach_id, kind, details, recorded_by, recorded_at) "
                "values (%s, 'alarm', %s, %s, %s) on conflict do nothing returning 1",
                (breach.breach_id, json.dumps({"hours": hours}), WATCH, now),
            ).fetchone()
            if new:
                ends = deadline_at(breach)
                raised.append(Alarm(breach.breach_id, hours, ends, ends - now))
    conn.commit()
    return raised
