"""What waits for the steward: one item per path that no rule names, with a proposal and without a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from privacy.proposals import Proposal, propose, sample


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """A path that no rule names: on how many events and days it was found, and what a steward may want to rule."""

    event_type: str
    path: str
    n_events: int
    n_days: int
    proposal: Proposal
    first_seen_on: date


@dataclass(frozen=True, slots=True)
class ClassificationItem:
    """One item: open until somebody confirms or rejects it. first_seen_on is the first event day that held the path."""

    event_type: str
    path: str
    first_seen_on: date
    proposed_class: str
    proposed_kind: str
    confidence: float
    why: str
    state: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


def raise_items(conn: psycopg.Connection) -> int:
    """Raise one item for every unknown path that has none yet, however many events hold it; returns how many."""
    rows = conn.execute(
        "select event_type, path, min(event_day) from privacy.unknown_paths as u where not exists (select from "
        "privacy.classification_items as i where i.event_type = u.event_type and i.path = u.path) group by 1, 2"
    ).fetchall()
    raised = sum(_raise(conn, t, path, seen, _proposal(conn, t, path)) for t, path, seen in rows)
    conn.commit()
    return raised


def list_unknown(conn: psycopg.Connection) -> list[UnknownPath]:
    """Every unknown path, the most frequent first, with a proposal from today's sample. No value leaves this function.

    Raises the items that are missing and renews the proposals of those that are open.
    """
    rows = conn.execute(
        "select event_type, path, sum(n_events)::bigint, count(*), min(event_day) from privacy.unknown_paths "
        "group by 1, 2 order by 3 desc, 1, 2"
    ).fetchall()
    found = [UnknownPath(t, path, n, d, _proposal(conn, t, path), seen) for t, path, n, d, seen in rows]
    for unknown in found:
        _raise(conn, unknown.event_type, unknown.path, unknown.first_seen_on, unknown.proposal)
    conn.commit()
    return found


def items(conn: psycopg.Connection, state: str | None = None) -> list[ClassificationItem]:
    """Every item, or those in one state (open, confirmed, rejected), the earliest first."""
    query = (
        "select event_type, path, first_seen_on, proposed_class, proposed_kind, confidence, why, state, decided_by, "
        "decided_at, reason from privacy.classification_items where %s::text is null or state = %s "
        "order by first_seen_on, event_type, path"
    )
    with conn.cursor(row_factory=class_row(ClassificationItem)) as cursor:
        return cursor.execute(query, (state, state)).fetchall()


def settle_items(
    conn: psycopg.Connection, rulings: Sequence[tuple[str, str, str, str, datetime]], *, rejected: bool
) -> None:
    """Settle what rulings (event type or '*', path, steward, reason, decided_at) are about. No commit."""
    conn.cursor().executemany(
        "update privacy.classification_items set state = %s, decided_by = %s, reason = %s, decided_at = %s "
        "where (event_type = %s or (%s = '*' and state = 'open')) and path = %s",
        [
            ("rejected" if rejected else "confirmed", steward, reason, decided_at, event_type, event_type, path)
            for event_type, path, steward, reason, decided_at in rulings
        ],
    )


def _proposal(conn: psycopg.Connection, event_type: str, path: str) -> Proposal:
    from privacy.detection.gazetteer import shipped
    from privacy.detection.names import NameFinder

    values = sample(conn, event_type, path)
    looks_named = any(type_ == "string" and text.istitle() for type_, text in values)
    return propose(path, values, NameFinder(shipped()) if looks_named else None)


def _raise(conn: psycopg.Connection, event_type: str, path: str, seen: date, proposal: Proposal) -> int:
    """1 when the item is new; an open one gets the new proposal, a settled one stays as it was decided."""
    written = conn.execute(
        "insert into privacy.classification_items as old (event_type, path, first_seen_on, proposed_class, "
        "proposed_kind, confidence, why) values (%s, %s, %s, %s, %s, %s, %s) on conflict (event_type, path) do update "
        "set proposed_class = excluded.proposed_class, proposed_kind = excluded.proposed_kind, "
        "confidence = excluded.confidence, why = excluded.why, "
        "first_seen_on = least(old.first_seen_on, excluded.first_seen_on) where old.state = 'open' returning xmax = 0",
        (event_type, path, seen, proposal.klass, proposal.kind, proposal.confidence, proposal.why),
    ).fetchone()
    return int(written is not None and bool(written[0]))
