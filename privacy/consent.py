"""The consent ledger: purposes, append-only decisions, the truth as of a moment. The rule per event is decisions.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from privacy.decisions import COLUMNS
from privacy.errors import InvalidDecisionError, UnknownPurposeError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Purpose:
    """What data may be used for; granted_by_default is False everywhere: no record means no."""

    name: str
    required: bool
    default: str
    scope: str
    opt_out_impact: str


PURPOSES = {
    purpose.name: purpose
    for purpose in (
        Purpose("data_collection", True, "ask", "basic application functionality", "limited features"),
        Purpose("analytics", False, "ask", "performance improvement", "none"),
        Purpose("osint_enrichment", False, "ask", "profile enrichment from public sources", "reduced personalization"),
        Purpose("marketing", False, "ask", "promotional communications", "no marketing emails"),
        Purpose("personalization", False, "ask", "help that knows the user's own work", "generic suggestions"),
        Purpose("model_training", False, "deny", "training of models on pseudonymous events", "none"),
        Purpose("sharing", False, "deny", "anonymous insight across companies", "none"),
    )
}
DECISIONS = ("grant", "withdraw")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of one subject about one purpose."""

    subject: str
    purpose: str
    decision: str
    decided_at: datetime
    received_at: datetime
    source: str
    method: str
    reason: str | None = None
    evidence: Mapping[str, Any] | None = None

    def fingerprint(self) -> bytes:
        """SHA-256 over what the subject decided; receiving the same decision again does not make a new one."""
        facts = (self.subject, self.purpose, self.decision, self.decided_at.timestamp(), self.source, self.method)
        return hashlib.sha256(json.dumps(facts, ensure_ascii=True).encode()).digest()


def record_decisions(conn: psycopg.Connection, decisions: Iterable[Decision] | pa.Table) -> int:
    """Append decisions and mark the days of their subjects' events dirty; one transaction. Returns how many are new.

    Accepts Decision rows or a table with Decision's fields as columns (reason and evidence may be absent).
    Recording the same decision twice changes nothing. Raises UnknownPurposeError or InvalidDecisionError.
    """
    rows = [_checked(decision) for decision in _rows(decisions)]
    with conn.transaction():
        n_new = _append(conn, rows)
        _mark_dirty(conn)
    conn.commit()
    return n_new


def record_imported_evidence(
    conn: psycopg.Connection,
    subjects: Mapping[str, datetime] | pa.Table,
    purposes: Sequence[str],
    source: str,
    reason: str,
    received_at: datetime,
) -> int:
    """Record that a file's owner vouches for consent: a grant per subject and purpose from its first event on.

    subjects: user_id -> first event (or a table with the columns subject, first_event_at). received_at: the moment the
    import's events carry as theirs, for a consent known later than an event does not hold for it. Returns how many
    grants are new.
    """
    if not reason.strip():
        raise InvalidDecisionError("imported consent needs a reason; say on what basis these people agreed")
    pairs = subjects.items() if isinstance(subjects, Mapping) else _pairs(subjects)
    evidence = {"imported": True}
    return record_decisions(
        conn,
        [
            Decision(subject, purpose, "grant", first, received_at, source, "import", reason, evidence)
            for subject, first in pairs
            for purpose in purposes
        ],
    )


def get_consent(conn: psycopg.Connection, subject: str) -> dict[str, str]:
    """The current decision of a subject for every purpose: grant, withdraw, or none."""
    rows = conn.execute("select purpose, decision from consent.consent_settings where subject = %s", (subject,))
    return dict.fromkeys(PURPOSES, "none") | {str(purpose): str(decision) for purpose, decision in rows}


def as_of(conn: psycopg.Connection, subject: str, purpose: str, at: datetime, known_at: datetime) -> str | None:
    """The decision in force at a moment by what was known at another, or None."""
    _known_purpose(purpose)
    row = conn.execute("select consent.as_of(%s, %s, %s, %s)", (subject, purpose, at, known_at)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def history(conn: psycopg.Connection, subject: str) -> list[Decision]:
    """Every decision of a subject in the order in which they count."""
    rows = conn.execute(
        "select subject, purpose, decision, decided_at, received_at, source, method, reason, evidence "
        "from consent.consent_events where subject = %s order by decided_at, consent_event_id",
        (subject,),
    )
    return [Decision(*row) for row in rows]


def decisions_for(conn: psycopg.Connection, subjects: Sequence[str]) -> pa.Table:
    """The ledger rows of subjects about the purposes that events carry, with the columns of decisions.COLUMNS."""
    import pyarrow as pa

    from privacy.decisions import CARRIED
    from warehouse.arrow import copy_arrow, read_table

    moment = pa.timestamp("us", "UTC")
    schema = pa.schema(
        list(zip(COLUMNS, (pa.string(), pa.string(), pa.string(), moment, moment, pa.int64()), strict=True))
    )
    conn.execute("create temp table if not exists wanted_subjects (subject text) on commit drop")
    conn.execute("truncate wanted_subjects")
    copy_arrow(conn, "pg_temp.wanted_subjects", pa.table({"subject": pa.array(subjects, pa.string())}))
    conn.execute("analyze wanted_subjects")
    names = ", ".join(f"'{purpose}'" for purpose in CARRIED)
    query = (
        f"select {', '.join(COLUMNS)} from consent.consent_events join wanted_subjects using (subject) "
        f"where purpose in ({names})"
    )
    return read_table(conn, query, schema)


def _rows(decisions: Iterable[Decision] | pa.Table) -> Iterable[Decision]:
    import pyarrow as pa

    if isinstance(decisions, pa.Table):
        return (Decision(**row) for row in decisions.to_pylist())
    return decisions


def _pairs(subjects: pa.Table) -> Iterable[tuple[str, datetime]]:
    return zip(subjects["subject"].to_pylist(), subjects["first_event_at"].to_pylist(), strict=True)


def _known_purpose(purpose: str) -> None:
    if purpose not in PURPOSES:
        raise UnknownPurposeError(f"there is no purpose {purpose!r}; use one of {', '.join(PURPOSES)}")


def _checked(decision: Decision) -> Decision:
    _known_purpose(decision.purpose)
    if decision.decision not in DECISIONS:
        raise InvalidDecisionError(f"a decision is grant or withdraw, not {decision.decision!r}")
    if decision.decided_at.tzinfo is None or decision.received_at.tzinfo is None:
        raise InvalidDecisionError("decided_at and received_at need a time zone; write them in UTC")
    return decision


def _append(conn: psycopg.Connection, rows: list[Decision]) -> int:
    """Load into a temporary table, insert what is new in the order given, and leave the new subjects behind."""
    conn.execute(
        "create temp table new_decisions (ordinal bigint, subject text, purpose text, decision text, "
        "decided_at timestamptz, received_at timestamptz, source text, method text, reason text, evidence jsonb, "
        "fingerprint bytea) on commit drop"
    )
    with conn.cursor().copy("copy new_decisions from stdin") as copy:
        for ordinal, row in enumerate(rows):
            evidence = None if row.evidence is None else json.dumps(row.evidence)
            fields = (row.subject, row.purpose, row.decision, row.decided_at, row.received_at, row.source, row.method)
            copy.write_row((ordinal, *fields, row.reason, evidence, row.fingerprint()))
    conn.execute("create temp table changed_subjects (subject text primary key) on commit drop")
    inserted = conn.execute(
        "with added as (insert into consent.consent_events (subject, purpose, decision, decided_at, received_at, "
        "source, method, reason, evidence, fingerprint) "
        "select subject, purpose, decision, decided_at, received_at, source, "
        "method, reason, evidence, fingerprint from new_decisions order by ordinal "
        "on conflict (fingerprint) do nothing returning subject), "
        "subjects as (insert into changed_subjects select distinct subject from added returning 1) "
        "select count(*) from added"
    ).fetchone()
    return int(inserted[0]) if inserted else 0


def _mark_dirty(conn: psycopg.Connection) -> None:
    conn.execute("analyze changed_subjects")
    conn.execute(
        "insert into privacy.dirty_days (event_day, version, cause) "
        "select event_day, nextval('privacy.dirty_day_version'), 'consent' from "
        "(select distinct event_day from raw.system_logs join changed_subjects on user_id = subject) as days "
        "on conflict (event_day) do update set version = excluded.version, cause = excluded.cause"
    )
