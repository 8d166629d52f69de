"""Rows that a withdrawal takes: those of people who no longer agree to what a table is for. Nothing here deletes."""

from __future__ import annotations

import psycopg

from privacy.retention.holds import Clause, Tokens
from privacy.retention.stores import Store

WITHDRAWN = "withdrawn"
_PEOPLE = "select subject from consent.consent_settings where purpose = %s and decision = 'withdraw'"


def withdrawn(conn: psycopg.Connection, store: Store, tokens: Tokens) -> Clause:
    """The rows of a store with a purpose that are of people who withdrew from it, held or not."""
    subjects = [str(row[0]) for row in conn.execute(_PEOPLE, (store.purpose,)).fetchall()]
    keyed = sorted(tokens(subjects).values()) if subjects else []
    column = store.subject[0] if store.subject else "subject"
    return Clause(f"{column} = any(%s)", (keyed,))
