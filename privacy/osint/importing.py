"""Takes findings in: only those of people who agreed, each sealed under its person's key, every line accounted for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING

import psycopg

from privacy.osint.findings import Finding, checked_source
from privacy.retention.holds import keyed_by
from privacy.retention.policies import cutoff, policies

if TYPE_CHECKING:
    from privacy.vault import Vault

PURPOSE, POLICY = "osint_enrichment", "osint_data"
FIELD = "privacy.osint_findings.sealed"
BATCH = 10_000
Place = tuple[str, datetime]  # a user id, and when something was found about them
Erased = Callable[[Iterable[str]], set[str]]
# Agreed when it was found, by what is known now, and still agreeing.
AGREED = """
select user_id, found_at from unnest(%s::text[], %s::timestamptz[]) as f (user_id, found_at)
where consent.as_of(user_id, %s, found_at, %s) = 'grant' and consent.as_of(user_id, %s, %s, %s) = 'grant'
"""
# A newer look replaces what was found before: of one kind one finding is kept.
KEEP = """
insert into privacy.osint_findings as known
  (subject, source, kind, sealed, found_at, refreshed_at, imported_by, imported_at)
select subject, %s, kind, sealed, found_at, found_at, %s, %s
from unnest(%s::text[], %s::text[], %s::bytea[], %s::timestamptz[]) as f (subject, kind, sealed, found_at)
on conflict (subject, source, kind) do update set sealed = excluded.sealed, refreshed_at = excluded.refreshed_at,
  imported_by = excluded.imported_by, imported_at = excluded.imported_at
where known.refreshed_at < excluded.refreshed_at
returning xmax = 0
"""
NOTE = """
insert into privacy.osint_imports
  (source, imported_by, imported_at, n_read, n_stored, n_refreshed, n_duplicates, refused, n_refused)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Brought:
    """Where a file comes from, who brings it and when."""

    source: str
    by: str
    at: datetime


@dataclass(slots=True)
class Counts:
    """Lines of a file. n_duplicates: not newer than what is here; refused: reason -> lines."""

    n_read: int = 0
    n_stored: int = 0
    n_refreshed: int = 0
    n_duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def take_in(
    conn: psycopg.Connection, vault: Vault, findings: Iterable[Finding], brought: Brought, erased: Erased
) -> Counts:
    """Store the findings of a file in one transaction, through a connection of the role privacy.

    erased: which of some user ids were erased lately. Raises OsintInputError; nothing is stored then.
    """
    checked_source(brought.source)
    counts = Counts()
    with conn.transaction():
        first_on = cutoff(brought.at, policies(conn)[POLICY].days)
        for batch in _batches(findings):
            reasons = refusals(batch, _agreed(conn, batch, brought.at), erased({f.user_id for f in batch}), first_on)
            counts.n_read += len(batch)
            counts.refused.update(reason for reason in reasons if reason)
            _keep(conn, vault, [f for f, reason in zip(batch, reasons, strict=True) if not reason], brought, counts)
        refused = json.dumps(counts.refused, sort_keys=True)
        conn.execute(
            NOTE,
            (brought.source, brought.by, brought.at, counts.n_read, counts.n_stored, counts.n_refreshed,
             counts.n_duplicates, refused, counts.refused.total()),
        )  # fmt: skip
    conn.commit()
    return counts


def refusals(batch: Sequence[Finding], agreed: set[Place], erased: set[str], first_on: date | None) -> list[str | None]:
    """Why each finding may not stay, None where it may. Pure."""
    return [
        "erased" if finding.user_id in erased
        else "no_consent" if (finding.user_id, finding.found_at) not in agreed
        else "past_term" if first_on and finding.found_at.date() < first_on
        else None
        for finding in batch
    ]  # fmt: skip


def newest(findings: Iterable[Finding]) -> list[Finding]:
    """Of every person and kind the newest finding, the earlier line where two are as new. Pure."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.user_id, finding.kind)
        if key not in found or found[key].found_at < finding.found_at:
            found[key] = finding
    return list(found.values())


def seal(vault: Vault, findings: Sequence[Finding], tokens: Mapping[str, str]) -> list[bytes]:
    """Each finding's content under its person's key, bound to the pseudonym that it will stand beside."""
    import pyarrow as pa

    from privacy.vault.fields import seal_fields

    keys = vault.data_keys({finding.user_id for finding in findings})
    by_token = {tokens[user]: key for user, key in keys.items()}
    contents = pa.array([finding.content for finding in findings], pa.binary())
    subjects = pa.array([tokens[finding.user_id] for finding in findings], pa.string())
    sealed: list[bytes] = seal_fields(contents, subjects, FIELD, by_token).to_pylist()
    return sealed


def _keep(
    conn: psycopg.Connection, vault: Vault, findings: Sequence[Finding], brought: Brought, counts: Counts
) -> None:
    """Write what may stay, and count it."""
    kept = newest(findings)
    if not kept:
        return
    tokens = keyed_by(vault)([finding.user_id for finding in kept])
    columns = ([tokens[f.user_id] for f in kept], [f.kind for f in kept], seal(vault, kept, tokens))
    rows = conn.execute(KEEP, (brought.source, brought.by, brought.at, *columns, [f.found_at for f in kept])).fetchall()
    n_new = sum(is_new for (is_new,) in rows)
    counts.n_stored += n_new
    counts.n_refreshed += len(rows) - n_new
    counts.n_duplicates += len(findings) - len(rows)


def _agreed(conn: psycopg.Connection, batch: Sequence[Finding], now: datetime) -> set[Place]:
    places = list({(finding.user_id, finding.found_at) for finding in batch})
    users, moments = [user for user, _ in places], [moment for _, moment in places]
    rows = conn.execute(AGREED, (users, moments, PURPOSE, now, PURPOSE, now, now)).fetchall()
    return {(str(user), moment) for user, moment in rows}


def _batches(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    waiting = iter(findings)
    while batch := list(islice(waiting, BATCH)):
        yield batch
