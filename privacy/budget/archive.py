"""Releases as they were recorded: noisy values and how they were made. What was released once is not drawn again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from privacy.budget.bounds import Bounds
from privacy.budget.errors import InvalidQueryError


@dataclass(frozen=True, slots=True)
class Release:
    """A noisy answer. values: per group; facts: bounds with their origin, mechanism, scale, threshold, cost."""

    spend_id: int
    values: Mapping[str, int]
    facts: Mapping[str, Any]
    released_at: datetime


def find(conn: psycopg.Connection, digest: bytes) -> Release | None:
    """The recorded release of a query, or None."""
    with conn.transaction():
        row = conn.execute(
            "select spend_id, noisy, facts, released_at from privacy.releases where query_digest = %s", (digest,)
        ).fetchone()
    return None if row is None else Release(row[0], dict(sorted(row[1].items())), *row[2:])


def record(conn: psycopg.Connection, release: Release, digest: bytes) -> Release:
    """Record a release under its spend, and commit."""
    with conn.transaction():
        conn.execute(
            "insert into privacy.releases (spend_id, query_digest, facts, noisy, released_at) "
            "values (%s, %s, %s, %s, %s)",
            (release.spend_id, digest, json.dumps(release.facts), json.dumps(release.values), release.released_at),
        )
    return release


def bounds_of(conn: psycopg.Connection, spend_id: int) -> Bounds:
    """The bounds of an earlier release, to be used again at no cost. Raises InvalidQueryError where there is none."""
    with conn.transaction():
        row = conn.execute("select facts -> 'bounds' from privacy.releases where spend_id = %s", (spend_id,)).fetchone()
    if row is None:
        raise InvalidQueryError(f"spend {spend_id} recorded no release; see `lethe privacy budget history`")
    return Bounds(**(row[0] | {"origin": f"release {spend_id}"}))


@contextmanager
def alone(conn: psycopg.Connection, digest: bytes) -> Iterator[None]:
    """Nobody else works on the same query meanwhile: the second one finds what the first one recorded."""
    number = int.from_bytes(digest[:8], "big", signed=True)
    with conn.transaction():
        conn.execute("select pg_advisory_lock(%s)", (number,))
    try:
        yield
    finally:
        if not conn.closed:
            with conn.transaction():
                conn.execute("select pg_advisory_unlock(%s)", (number,))
