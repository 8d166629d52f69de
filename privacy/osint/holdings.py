"""What is held of findings: readable for the person they are about, and which are due to be looked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from privacy.osint.importing import FIELD, POLICY, PURPOSE
from privacy.retention.holds import Tokens, keyed_by
from privacy.retention.policies import cutoff, policies

if TYPE_CHECKING:
    from privacy.vault import Vault

TABLE = "privacy.osint_findings"
REFRESHED_ON = "(refreshed_at at time zone 'UTC')::date"


@dataclass(frozen=True, slots=True)
class Due:
    """A finding that is older than the term of refreshing, of somebody who still agrees."""

    user_id: str = field(repr=False)
    source: str
    kind: str
    refreshed_at: datetime


def of_person(conn: psycopg.Connection, vault: Vault, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The findings about somebody known by these ids, opened: JSON as text, None where its key was destroyed."""
    import pyarrow as pa

    from privacy.vault.fields import unseal_fields

    tokens = keyed_by(vault)(ids)
    rows = conn.execute(
        f"select subject, source, kind, sealed, found_at, refreshed_at from {TABLE} where subject = any(%s) "
        "order by source, kind, subject".encode(),
        (list(tokens.values()),),
    ).fetchall()
    keys = {tokens[user]: key for user, key in vault.known_data_keys(ids).items()}
    subjects, sealed = pa.array([row[0] for row in rows], pa.string()), pa.array([row[3] for row in rows], pa.binary())
    opened = unseal_fields(sealed, subjects, FIELD, keys, forgotten_as_null=True).to_pylist() if rows else []
    return [
        {"source": source, "kind": kind, "finding": content and content.decode(), "found_at": found_at,
         "refreshed_at": refreshed_at}
        for (_, source, kind, _, found_at, refreshed_at), content in zip(rows, opened, strict=True)
    ]  # fmt: skip


def n_due(conn: psycopg.Connection, now: datetime) -> int:
    """How many findings are past the term of refreshing."""
    row = conn.execute(
        f"select count(*) from {TABLE} where {REFRESHED_ON} < %s".encode(), (_refresh_before(conn, now),)
    ).fetchone()
    return int(row[0]) if row else 0


def due(conn: psycopg.Connection, tokens: Tokens, now: datetime) -> list[Due]:
    """What is past the term of refreshing, oldest first; not of those who no longer agree: theirs is not looked for.

    Names people: who shows it writes the access log.
    """
    rows = conn.execute(
        f"select subject, source, kind, refreshed_at from {TABLE} where {REFRESHED_ON} < %s "
        "order by refreshed_at, subject, source, kind".encode(),
        (_refresh_before(conn, now),),
    ).fetchall()
    agreeing = conn.execute(
        "select subject from consent.consent_settings where purpose = %s and decision = 'grant'", (PURPOSE,)
    ).fetchall()
    users = {token: user for user, token in tokens([str(row[0]) for row in agreeing] if rows else []).items()}
    return [Due(users[subject], *facts) for subject, *facts in rows if subject in users]


def _refresh_before(conn: psycopg.Connection, now: datetime) -> date | None:
    """The first day whose findings are young enough; null, and so none is due, where nobody set a term."""
    return cutoff(now, policies(conn)[POLICY].refresh_days)
