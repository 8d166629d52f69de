"""The consent ledger: append-only decisions, and the truth as of a moment. The rule per event is decisions.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from privacy.decisions import COLUMNS
from privacy.errors import InvalidDecisionError, UnknownPurposeError
from privacy.identities import others_of
from privacy.methods import METHODS
from privacy.purposes import PURPOSES

if TYPE_CHECKING:
    import pyarrow as pa


DECISIONS = ("grant", "withdraw")
LEDGER_COLUMNS = (
    "subject, purpose, decision, decided_at, received_at, source, method, reason, evidence, served_notice_id, "
    "recorded_by, fingerprint"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of one subject about one purpose. `recorded_by` entered it, where that was not the subject."""

    subject: str
    purpose: str
    decision: str
    decided_at: datetime
    received_at: datetime
    source: str
    method: str
    reason: str | None = None
    evidence: Mapping[str, Any] | None = None
    served_notice_id: int | None = None
    recorded_by: str | None = None

    def fingerprint(self) -> bytes:
        """SHA-256 over what the subject decided; receiving the same decision again does not make a new one."""
        facts = (self.subject, self.purpose, self.decision, self.decided_at.timestamp(), self.source, self.method)
        return hashlib.sha256(json.dumps(facts, ensure_ascii=True).encode()).digest()


def record_decisions(conn: psycopg.Connection, decisions: Iterable[Decision] | pa.Table) -> int:
    """Append decisions and mark the days of their subjects' events dirty; one transaction. Returns how many are new.

    Accepts Decision rows or a table with Decision's fields as columns (those with defaults may be absent).
    What somebody says under one id is kept for every id known to be theirs. Recording the same decision twice changes
    nothing. Raises UnknownPurposeError or InvalidDecisionError.
    """
    with conn.transaction():
        n_new = append_decisions(conn, _for_every_id(conn, list(_rows(decisions))))
    conn.commit()
    return n_new


def append_decisions(conn: psycopg.Connection, decisions: Sequence[Decision]) -> int:
    """As record_decisions, for these ids alone and in the caller's transaction."""
    rows = [_checked(decision) for decision in decisions]
    n_new = _append(conn, rows)
    _mark_dirty(conn)
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

    It never speaks against the person: where somebody's latest word about a purpose is no, nothing is recorded. Nor
    where a grant holds at the first event already: it would say nothing new, and yet mark the person's days dirty.

    subjects: user_id -> first event (or a table with the columns subject, first_event_at). received_at: the moment the
    import's events carry as theirs, for a consent known later than an event does not hold for it. Returns how many
    grants are new.
    """
    if not reason.strip():
        raise InvalidDecisionError("imported consent needs a reason; say on what basis these people agreed")
    pairs = list(subjects.items() if isinstance(subjects, Mapping) else _pairs(subjects))
    settled = _withdrawn(conn, [subject for subject, _ in pairs], purposes)
    settled |= _granted(conn, pairs, purposes, received_at)
    evidence = {"imported": True}
    return record_decisions(
        conn,
        [
            Decision(
                subject, purpose, "grant", min(first, received_at), received_at, source, "import", reason, evidence
            )
            for subject, first in pairs
            for purpose in purposes
            if (subject, purpose) not in settled
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
        "select subject, purpose, decision, decided_at, received_at, source, method, reason, evidence, "
        "served_notice_id, recorded_by from consent.consent_events where subject = %s "
        "order by decided_at, consent_event_id",
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


def _for_every_id(conn: psycopg.Connection, rows: list[Decision]) -> list[Decision]:
    """The decisions, and each again for the person's other ids: a merge comes before the look, or waits for the end."""
    conn.execute("lock table consent.consent_events in row exclusive mode")
    others = others_of(conn, {row.subject for row in rows})
    if not others:
        return rows
    return [
        replace(row, subject=user, served_notice_id=row.served_notice_id if user == row.subject else None)
        for row in rows
        for user in (row.subject, *others.get(row.subject, ()))
    ]


def _pairs(subjects: pa.Table) -> Iterable[tuple[str, datetime]]:
    return zip(subjects["subject"].to_pylist(), subjects["first_event_at"].to_pylist(), strict=True)


def _withdrawn(conn: psycopg.Connection, subjects: list[str], purposes: Sequence[str]) -> set[tuple[str, str]]:
    rows = conn.execute(
        "select subject, purpose from consent.consent_settings "
        "where subject = any(%s) and purpose = any(%s) and decision = 'withdraw'",
        (subjects, list(purposes)),
    )
    return {(str(subject), str(purpose)) for subject, purpose in rows}


def _granted(
    conn: psycopg.Connection, pairs: list[tuple[str, datetime]], purposes: Sequence[str], received_at: datetime
) -> set[tuple[str, str]]:
    """Subject and purpose where a grant is in force at the subject's moment, known when the events were received."""
    rows = conn.execute(
        "select subject, purpose from unnest(%s::text[], %s::timestamptz[]) as first (subject, at) "
        "cross join unnest(%s::text[]) as wanted (purpose) "
        "where consent.as_of(subject, purpose, least(at, %s), %s) = 'grant'",
        ([subject for subject, _ in pairs], [at for _, at in pairs], list(purposes), received_at, received_at),
    )
    return {(str(subject), str(purpose)) for subject, purpose in rows}


def _known_purpose(purpose: str) -> None:
    if purpose not in PURPOSES:
        raise UnknownPurposeError(f"there is no purpose {purpose!r}; use one of {', '.join(PURPOSES)}")


def _checked(decision: Decision) -> Decision:
    _known_purpose(decision.purpose)
    if decision.decision not in DECISIONS:
        raise InvalidDecisionError(f"a decision is grant or withdraw, not {decision.decision!r}")
    if decision.decided_at.tzinfo is None or decision.received_at.tzinfo is None:
        raise InvalidDecisionError("decided_at and received_at need a time zone; write them in UTC")
    if decision.decided_at > decision.received_at:
        # It would stay the latest word until that moment, and a withdrawal made meanwhile would not count.
        raise InvalidDecisionError("a decision was received before it was made; set the clock of its sender right")
    method = METHODS.get(decision.method)
    if method is None:
        raise InvalidDecisionError(f"there is no method {decision.method!r}; the methods are {', '.join(METHODS)}")
    if not method.allows(decision.decision, decision.purpose):
        raise InvalidDecisionError(
            f"method {method.name} cannot {decision.decision} {decision.purpose}; privacy/methods.py says what it can"
        )
    return decision


def _append(conn: psycopg.Connection, rows: list[Decision]) -> int:
    """Load into a temporary table, insert what is new in the order given, and leave the new subjects behind."""
    conn.execute(
        "create temp table new_decisions (ordinal bigint, subject text, purpose text, decision text, "
        "decided_at timestamptz, received_at timestamptz, source text, method text, reason text, evidence jsonb, "
        "served_notice_id bigint, recorded_by text, fingerprint bytea) on commit drop"
    )
    with conn.cursor().copy("copy new_decisions from stdin") as copy:
        for ordinal, row in enumerate(rows):
            evidence = None if row.evidence is None else json.dumps(row.evidence)
            fields = (row.subject, row.purpose, row.decision, row.decided_at, row.received_at, row.source, row.method)
            about = (row.reason, evidence, row.served_notice_id, row.recorded_by)
            copy.write_row((ordinal, *fields, *about, row.fingerprint()))
    _refuse_foreign_notices(conn)
    conn.execute("create temp table changed_subjects (subject text primary key) on commit drop")
    inserted = conn.execute(
        f"with added as (insert into consent.consent_events ({LEDGER_COLUMNS}) "
        f"select {LEDGER_COLUMNS} from new_decisions order by ordinal "
        "on conflict (fingerprint) do nothing returning subject), "
        "subjects as (insert into changed_subjects select distinct subject from added returning 1) "
        "select count(*) from added"
    ).fetchone()
    return int(inserted[0]) if inserted else 0


def _refuse_foreign_notices(conn: psycopg.Connection) -> None:
    """A decision may point only at a notice about its purpose that was shown to this very person before it."""
    foreign = conn.execute(
        "select count(*) from new_decisions as d left join consent.served_notices as s using (served_notice_id) "
        "where d.served_notice_id is not null "
        "and (d.subject, d.purpose) is distinct from (s.subject, s.purpose) or s.served_at > d.decided_at"
    ).fetchone()
    if foreign and foreign[0]:
        raise InvalidDecisionError(
            f"{foreign[0]} decisions point at a notice that was not shown to their subject, about their purpose, "
            "before they were made; pass the served_notice_id that serving the notice returned"
        )


def _mark_dirty(conn: psycopg.Connection) -> None:
    conn.execute("analyze changed_subjects")
    conn.execute(
        "insert into privacy.dirty_days (event_day, version, cause) "
        "select event_day, nextval('privacy.dirty_day_version'), 'consent' from "
        "(select distinct event_day from raw.system_logs join changed_subjects on user_id = subject) as days "
        "on conflict (event_day) do update set version = excluded.version, cause = excluded.cause"
    )
