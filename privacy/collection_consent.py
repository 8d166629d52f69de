"""Whether events of a person may come in at all, asked when collecting. What comes of events is decisions.py.

A person is blocked when their latest word about data_collection is no. Having said nothing blocks nobody here: an
import or a collector that brings identified people states its own basis for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg


def blocked_subjects(conn: psycopg.Connection, user_ids: Sequence[str], at: datetime) -> set[str]:
    """Of these people, the ones whose events must not be stored at this moment (about 10 microseconds each).

    Nothing is kept between calls: a withdrawal counts from its commit on, for every connection, which is well within
    the 5 seconds that are promised. The connection needs the privacy role; it must not sit in a transaction that reads
    an old snapshot (repeatable read), and is left as it was found.
    """
    if not user_ids:
        return set()
    with conn.transaction():
        rows = conn.execute("select consent.collection_refused(%s, %s)", (list(user_ids), at)).fetchall()
    return {str(row[0]) for row in rows}
