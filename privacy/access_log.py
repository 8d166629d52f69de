"""Who looked at whose data, when and what for: written in the transaction that reads, so that no entry means no data.

People stand in it blinded. It keeps what it is told about the reader; who may read is for the server's roles to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from privacy.errors import PrivacyError
from privacy.requests.desk import blinded

if TYPE_CHECKING:
    import psycopg

    from privacy.signing import PurposeKeys

Seen = Callable[[str], bool]  # of a user id


class UnboundedLookError(PrivacyError):
    """Somebody looked at many people at once, so that nobody can tell at whom they did not look."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, what for, and by which command or façade. None of the three may be empty: PostgreSQL refuses it."""

    actor: str
    purpose: str
    command: str


PRODUCT = Reader("the product", "shown to the person, or to act as they decided", "PrivacyService")


def record(  # noqa: PLR0913 - the facts of one entry
    conn: psycopg.Connection,
    keys: PurposeKeys,
    reader: Reader,
    *,
    at: datetime,
    place: str,
    n_rows: int,
    subject: str | bytes | None,
) -> None:
    """Keep, in the caller's transaction, that data was looked at; hand the data out after the commit only.

    subject: a user id, or a person blinded already; None where it is of many people or nobody can tell whose.
    """
    who = blinded(keys, subject) if isinstance(subject, str) else subject
    conn.execute(
        "insert into privacy.access_log (looked_at, actor, purpose, command, place, blinded_subject, n_rows) "
        "values (%s, %s, %s, %s, %s, %s, %s)",
        (at, reader.actor, reader.purpose, reader.command, place, who, n_rows),
    )


def seen_by(conn: psycopg.Connection, keys: PurposeKeys, actor: str, since: datetime, until: datetime) -> Seen:
    """Whom an actor looked at in [since, until). Raises UnboundedLookError where the log cannot tell."""
    rows = conn.execute(
        "select blinded_subject, command from privacy.access_log "
        "where actor = %s and looked_at >= %s and looked_at < %s",
        (actor, since, until),
    ).fetchall()
    many = sorted({command for who, command in rows if who is None})
    if many:
        raise UnboundedLookError(
            f"this actor looked at many people at once ({', '.join(many)}); without --seen-by everybody counts"
        )
    found = {bytes(who) for who, _ in rows}
    return lambda user: blinded(keys, user) in found
