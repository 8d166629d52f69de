"""Which words people were shown: published notices by version, and who was served which. Decisions are consent.py's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg

from privacy.errors import ChangedNoticeError, UnknownNoticeError, UnknownPurposeError
from privacy.purposes import PURPOSES, Purpose


@dataclass(frozen=True, slots=True)
class Notice:
    """One purpose's words in one language and version; sha256 (hexadecimal) is of the UTF-8 text."""

    purpose: str
    version: int
    language: str
    body: str
    sha256: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ServedNotice:
    """A notice as one person was shown it: when, and where (a page, a screen, a form)."""

    served_notice_id: int
    subject: str
    notice: Notice
    served_at: datetime
    place: str


_NOTICE = "n.purpose, n.version, n.language, n.body, encode(n.sha256, 'hex'), n.published_at"


def publish_notices(
    conn: psycopg.Connection, published_at: datetime, purposes: Mapping[str, Purpose] = PURPOSES
) -> int:
    """Put the registry's present words on record, once per version and language. Returns how many are new.

    Raises ChangedNoticeError when words changed under the same version: what was shown then could not be told any more.
    """
    rows = [
        (purpose.name, purpose.version, language, body)
        for purpose in purposes.values()
        for language, body in purpose.texts.items()
    ]
    n_new = 0
    with conn.transaction():
        for row in rows:
            n_new += conn.execute(
                "insert into consent.notices (purpose, version, language, body, sha256, published_at) "
                "values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
                (*row, hashlib.sha256(row[3].encode()).digest(), published_at),
            ).rowcount
        _refuse_changed(conn, rows)
    return n_new


def serve_notice(
    conn: psycopg.Connection, subject: str, purpose: str, *, language: str, served_at: datetime, place: str
) -> ServedNotice:
    """Record that a person is shown the newest words of a purpose, and return them to be shown.

    Raises UnknownPurposeError, or UnknownNoticeError when nothing is published in that language.
    """
    if purpose not in PURPOSES:
        raise UnknownPurposeError(f"there is no purpose {purpose!r}; use one of {', '.join(PURPOSES)}")
    with conn.transaction():
        row = conn.execute(
            f"select {_NOTICE} from consent.notices as n where purpose = %s and language = %s "
            "order by version desc limit 1",
            (purpose, language),
        ).fetchone()
        if row is None:
            raise UnknownNoticeError(
                f"no notice about {purpose} is published in language {language!r}; add its text to the registry"
            )
        notice = Notice(*row)
        served = conn.execute(
            "insert into consent.served_notices (subject, purpose, version, language, sha256, served_at, place) "
            "values (%s, %s, %s, %s, %s, %s, %s) returning served_notice_id",
            (subject, purpose, notice.version, language, bytes.fromhex(notice.sha256), served_at, place),
        ).fetchone()
    if served is None:
        raise UnknownNoticeError(f"the notice about {purpose} was not recorded as served; show it again")
    return ServedNotice(int(served[0]), subject, notice, served_at, place)


def dismiss_notice(conn: psycopg.Connection, subject: str, served_notice_id: int, dismissed_at: datetime) -> None:
    """Record that a person closed a notice without an answer; their choices stay as they were. Idempotent.

    Raises UnknownNoticeError when it was not served to this person.
    """
    with conn.transaction():
        served = conn.execute(
            "select 1 from consent.served_notices where served_notice_id = %s and subject = %s",
            (served_notice_id, subject),
        ).fetchone()
        if served is None:
            raise UnknownNoticeError(f"notice {served_notice_id} was not served to this person; pass the number served")
        conn.execute(
            "insert into consent.dismissed_notices (served_notice_id, subject, dismissed_at) values (%s, %s, %s) "
            "on conflict do nothing",
            (served_notice_id, subject, dismissed_at),
        )


def served_to(conn: psycopg.Connection, subject: str) -> list[ServedNotice]:
    """Every notice a person was shown, oldest first."""
    rows = conn.execute(
        f"select served_notice_id, subject, served_at, place, {_NOTICE} from consent.served_notices as s "
        "join consent.notices as n using (purpose, version, language) where subject = %s "
        "order by served_at, served_notice_id",
        (subject,),
    )
    return [ServedNotice(row[0], row[1], Notice(*row[4:]), row[2], row[3]) for row in rows]


def published(conn: psycopg.Connection) -> list[Notice]:
    """Every notice ever published, by purpose, version and language."""
    rows = conn.execute(f"select {_NOTICE} from consent.notices as n order by 1, 2, 3")
    return [Notice(*row) for row in rows]


def _refuse_changed(conn: psycopg.Connection, rows: Iterable[tuple[str, int, str, str]]) -> None:
    words = {(notice.purpose, notice.version, notice.language): notice.body for notice in published(conn)}
    changed = [f"{name} version {version} ({language})" for name, version, language, body in rows
               if words[name, version, language] != body]  # fmt: skip
    if changed:
        raise ChangedNoticeError(
            f"the words of {', '.join(changed)} are not those published; give the new words a new version"
        )
