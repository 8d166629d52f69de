"""Sealed records of quarantine that name a person: opened in memory, one by one, and written nowhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from privacy.erasure.keys import needles_of
from privacy.vault import Vault

PAGE = 1_000
Place = tuple[str, int]


def associated_data(import_id: str, record_no: int) -> bytes:
    """What binds a record to its row; collection seals with the same."""
    return f"{import_id}:{record_no}".encode()


def find(conn: psycopg.Connection, vault: Vault, needles: tuple[str, ...]) -> list[Place]:
    """(import, record number) of every record whose bytes hold one of the needles, whatever its case of escaping."""
    wanted = [needle.encode("utf-8", "surrogatepass") for needle in needles]
    return [place for place, content in records(conn, vault) if any(needle in content for needle in wanted)]


def find_texts(conn: psycopg.Connection, vault: Vault, is_wanted: Callable[[str], bool]) -> set[str]:
    """Texts among all the values of all records that are wanted: how a restored copy finds whom it must forget."""
    return {text for _, content in records(conn, vault) for text in _texts(content) if is_wanted(text)}


def records(conn: psycopg.Connection, vault: Vault) -> Iterator[tuple[Place, bytes]]:
    """Every record, opened, with its escapes undone once so that an escaped id is found too."""
    for place, content in opened(conn, vault):
        yield place, content + b"\n" + _plain(content)


def opened(conn: psycopg.Connection, vault: Vault) -> Iterator[tuple[Place, bytes]]:
    """Every record as it was sealed: a line that says of what form it is, then the record."""
    after: Place = ("", -1)
    while rows := _page(conn, after):
        for import_id, record_no, sealed in rows:
            yield (import_id, record_no), vault.unseal(bytes(sealed), associated_data(import_id, record_no))
        after = (rows[-1][0], rows[-1][1])


def of_person(conn: psycopg.Connection, vault: Vault, user: str) -> tuple[list[dict[str, Any]], int]:
    """A person's own records, readable, and how many others hold their id, of which nobody can tell whose they are."""
    wanted = [needle.encode("utf-8", "surrogatepass") for needle in needles_of(user)]
    own: dict[Place, str] = {}
    n_mentions = 0
    for place, content in opened(conn, vault):
        raw = content.split(b"\n", 1)[-1]
        if owner_of(raw) == user:
            own[place] = raw.decode("utf-8", "replace")
        elif any(needle in text for needle in wanted for text in (raw, _plain(content))):
            n_mentions += 1
    return [_shown(conn, place, text) for place, text in own.items()], n_mentions


def owner_of(raw: bytes) -> str | None:
    """Whose a record is: its `user_id`, of a JSON object or under the header of a CSV file; None: nobody can tell."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        lines = list(csv.reader(io.StringIO(raw.decode("utf-8", "replace")), strict=False))
        found = dict(zip(*lines, strict=True)) if len(lines) == 2 and len(lines[0]) == len(lines[1]) else None
    user = found.get("user_id") if isinstance(found, dict) else None
    return user if isinstance(user, str) and user else None


def _shown(conn: psycopg.Connection, place: Place, text: str) -> dict[str, Any]:
    row = conn.execute(
        "select source, code, quarantined_at from raw.quarantine where import_id = %s and record_no = %s", place
    ).fetchone() or (None, None, None)
    names = ("import_id", "record_no", "source", "code", "quarantined_at", "record")
    return dict(zip(names, (*place, *row, text), strict=True))


def delete(conn: psycopg.Connection, places: list[Place]) -> int:
    """Delete records by their place; the rows deleted."""
    return conn.execute(
        "delete from raw.quarantine using unnest(%s::text[], %s::bigint[]) as w (import_id, record_no) "
        "where quarantine.import_id = w.import_id and quarantine.record_no = w.record_no",
        ([place[0] for place in places], [place[1] for place in places]),
    ).rowcount


def _page(conn: psycopg.Connection, after: Place) -> list[tuple[str, int, bytes]]:
    return conn.execute(
        "select import_id, record_no, sealed from raw.quarantine where (import_id, record_no) > (%s, %s) "
        f"order by import_id, record_no limit {PAGE}".encode(),
        after,
    ).fetchall()


def _plain(content: bytes) -> bytes:
    """The values of a JSON record as text; nothing where it is no JSON."""
    return "\n".join(_texts(content)).encode("utf-8", "surrogatepass")


def _texts(content: bytes) -> list[str]:
    """Every string of a JSON record, or the fields of a line of text."""
    body = content.split(b"\n", 1)[-1]
    try:
        return list(_leaves(json.loads(body)))
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
        return [field.strip(" \"'\r\n\t") for part in text.split("\n") for field in part.replace(";", ",").split(",")]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
