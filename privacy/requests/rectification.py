"""Rectification: a stored value of a person's event is corrected, and its day made anew. The audit holds no value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from privacy.requests.effects import Evidence, Measurement
from privacy.requests.errors import IncompleteRequestError
from privacy.requests.kinds import Task

DOCUMENTS = ("data", "metadata", "client_info")
PLAIN = ("component", "action", "company_id", "persona_id", "session_id")


@dataclass(frozen=True, slots=True)
class Correction:
    """One value of one event: a plain column (path empty), or a place in a JSON column, as keys from the outside in."""

    source: str
    event_id: str
    column: str
    path: tuple[str, ...]
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rectification:
    """Corrects raw.system_logs. conn is of the role `erasure`, the only one besides collection that may change it."""

    conn: psycopg.Connection

    def carry_out(self, task: Task) -> Evidence:
        wanted = corrections(task.details)
        with self.conn.transaction():
            days = {day for item in wanted for day in _correct(self.conn, task.subject, item)}
            _mark_dirty(self.conn, sorted(days))
        self.conn.commit()
        return {"n_corrections": len(wanted), "columns": sorted({c.column for c in wanted}), "n_days": len(days)}

    def measure(self, task: Task, evidence: Evidence) -> Measurement:
        """A correction that does not read back, or whose event is gone, is left undone."""
        del evidence
        left: dict[str, int] = {}
        for item in corrections(task.details):
            left[item.column] = left.get(item.column, 0) + int(not _is_corrected(self.conn, task.subject, item))
        self.conn.commit()
        return Measurement(left, is_proven=True)


def corrections(details: Mapping[str, Any]) -> list[Correction]:
    """The corrections of a request's details: {"corrections": [{source, event_id, column, path, value}]}.

    Raises IncompleteRequestError, which names the place of the fault and never the value.
    """
    given = details.get("corrections")
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise IncompleteRequestError('a rectification needs details {"corrections": [{source, event_id, column, ...}]}')
    return [_correction(item, number) for number, item in enumerate(given, 1)]


def _correction(item: Mapping[str, Any], number: int) -> Correction:
    missing = [name for name in ("source", "event_id", "column", "value") if name not in item]
    if missing:
        raise IncompleteRequestError(f"correction {number} lacks {', '.join(missing)}")
    column, path = item["column"], tuple(str(key) for key in item.get("path") or ())
    if column not in (*DOCUMENTS, *PLAIN):
        raise IncompleteRequestError(
            f"correction {number}: column {column} cannot be corrected; {', '.join((*PLAIN, *DOCUMENTS))} can"
        )
    if bool(path) != (column in DOCUMENTS):
        raise IncompleteRequestError(f"correction {number}: a path belongs to {', '.join(DOCUMENTS)}, and only to them")
    if not path and not (item["value"] is None or isinstance(item["value"], str)):
        raise IncompleteRequestError(f"correction {number}: the value of {column} is a text or null")
    return Correction(item["source"], item["event_id"], column, path, item["value"])


def _correct(conn: psycopg.Connection, subject: str, item: Correction) -> list[Any]:
    """Change one event of this person; returns its day.

    The fingerprint stays that of the record as received: importing it again must not bring the wrong value back.
    """
    column = sql.Identifier(item.column)
    value = sql.SQL("jsonb_set({}, %s, %s::jsonb, false)").format(column) if item.path else sql.SQL("%s::text")
    given = [list(item.path), json.dumps(item.value)] if item.path else [item.value]
    query = sql.SQL("update raw.system_logs set {} = {} where {} returning event_day").format(column, value, _OF_EVENT)
    return [day for (day,) in conn.execute(query, (*given, *_key(subject, item)))]


def _is_corrected(conn: psycopg.Connection, subject: str, item: Correction) -> bool:
    column = sql.Identifier(item.column)
    same = (
        sql.SQL("({} #> %s) = %s::jsonb").format(column)
        if item.path
        else sql.SQL("{} is not distinct from %s::text").format(column)
    )
    given = [list(item.path), json.dumps(item.value)] if item.path else [item.value]
    query = sql.SQL("select count(*) filter (where {}) = 1 from raw.system_logs where {}").format(same, _OF_EVENT)
    row = conn.execute(query, (*given, *_key(subject, item))).fetchone()
    return bool(row and row[0])


# The key table leads to the one partition of the event.
_OF_EVENT = sql.SQL(
    "source = %s and id = %s and user_id in (select i.user_id from privacy.ids_of(array[%s]) as i) "
    "and event_day = (select event_day from raw.event_keys where source = %s and id = %s)"
)


def _key(subject: str, item: Correction) -> tuple[str, ...]:
    return item.source, item.event_id, subject, item.source, item.event_id


def _mark_dirty(conn: psycopg.Connection, days: list[Any]) -> None:
    conn.execute(
        "update raw.event_days set version = nextval('raw.event_day_version') where event_day = any(%s)", (days,)
    )
