"""How requests stand: counts by kind and state, what is late, and what a worker may take up. It moves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import psycopg

from privacy.requests.deadlines import days_left
from privacy.requests.kinds import Kind
from privacy.requests.machine import RUNNING, State
from privacy.requests.store import Request

SOON_DAYS = 7
SILENT_FOR = timedelta(hours=1)  # a running request without a step for so long was interrupted


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts only. late: open and past the due day; soon: due within SOON_DAYS."""

    standing: Mapping[tuple[str, str], int]
    n_open: int
    n_late: int
    n_soon: int
    per_day: list[tuple[date, int]]


def overview(requests: Iterable[Request], today: date) -> Overview:
    """How these requests stand on a day; pure."""
    known = list(requests)
    left = [days_left(request.due_on, today) for request in known if request.closed_at is None]
    received = Counter(request.received_at.date() for request in known)
    return Overview(
        dict(sorted(Counter((str(request.kind), str(request.state)) for request in known).items())),
        len(left),
        sum(days < 0 for days in left),
        sum(0 <= days <= SOON_DAYS for days in left),
        sorted(received.items()),
    )


def ready(conn: psycopg.Connection, kinds: Iterable[Kind], now: datetime) -> list[tuple[str, int]]:
    """Requests to carry out, each with the number of its last event: approved ones, and those that were interrupted.

    Failed ones are left out: somebody has to see why before they run again.
    """
    rows = conn.execute(
        "select r.request_id, max(e.request_event_id) from privacy.privacy_requests r "
        "join privacy.request_events e using (request_id) where r.kind = any(%s) "
        "group by r.request_id, r.state, r.due_on "
        "having r.state = %s or (r.state = any(%s) and max(e.happened_at) < %s) order by r.due_on, r.request_id",
        ([str(kind) for kind in kinds], str(State.APPROVED), [str(state) for state in RUNNING], now - SILENT_FOR),
    )
    return [(str(request_id), int(event)) for request_id, event in rows]
