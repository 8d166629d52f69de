"""Rotation of the master key: every key wrapped anew under a new generation. Killed midway, it goes on from there.

While it runs both generations open; the old one is deleted only when nothing is wrapped by it any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from privacy.errors import VaultKeyMismatchError
from privacy.vault.generations import Generation, Generations, numbers
from privacy.vault.masters import MasterKey
from privacy.vault.store import Store
from privacy.vault.subjects import CONTEXT, opener, wrapper

ROWS = 50_000  # one transaction: other processes wait for it about a third of a second to write
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: data keys and purpose keys wrapped anew by it, and the generation they are of now."""

    n_data_keys: int
    n_purposes: int
    generation: int


def rotate(
    store: Store, generations: Generations, master: MasterKey, *, rows: int = ROWS, progress: Progress | None = None
) -> Rotated:
    """Wrap every key under the newest generation, which is begun with `master` unless a rotation is under way.

    `progress` gets the number of data keys done after each transaction. The caller holds the claim to rotate.
    """
    with store.writing() as connection:
        if len(numbers(connection)) < 2:
            generations.begin(connection, master)
        generation = generations.current(connection)
        n_purposes = _purposes(connection, generations, generation)
    n_done, after = 0, b""
    while True:
        with store.writing() as connection:
            n_rows, after = _data_keys(connection, generations, generation, (after, rows))
        if not n_rows:
            break
        n_done += n_rows
        if progress:
            progress(n_done)
    _retire(store, generation)
    store.overwrite_deleted()
    return Rotated(n_done, n_purposes, generation.number)


def _purposes(connection: sqlite3.Connection, generations: Generations, generation: Generation) -> int:
    old = connection.execute(
        "select purpose, generation, wrapped from purposes where generation < ?", (generation.number,)
    ).fetchall()
    openers = {number: opener(key) for number, key in generations.keys(connection).items()}
    plain = [(openers[number](wrapped, purpose.encode()), purpose.encode()) for purpose, number, wrapped in old]
    wrapped = wrapper(generation.key)(plain)
    connection.executemany(
        "update purposes set generation = ?, wrapped = ? where purpose = ?",
        ((generation.number, value, purpose) for (purpose, *_), value in zip(old, wrapped, strict=True)),
    )
    return len(old)


def _data_keys(
    connection: sqlite3.Connection, generations: Generations, generation: Generation, window: tuple[bytes, int]
) -> tuple[int, bytes]:
    """Wrap the next keys in the order of the table; how many, and the last one's name."""
    after, limit = window
    old = connection.execute(
        "select subject, generation, wrapped from data_keys where subject > ? and generation < ? "
        "order by subject limit ?",
        (after, generation.number, limit),
    ).fetchall()
    openers = {number: opener(key) for number, key in generations.keys(connection).items()}
    plain = ((openers[number](wrapped, CONTEXT + name), CONTEXT + name) for name, number, wrapped in old)
    wrapped = wrapper(generation.key)(plain)
    connection.executemany(
        "update data_keys set generation = ?, wrapped = ? where subject = ?",
        ((generation.number, value, name) for (name, *_), value in zip(old, wrapped, strict=True)),
    )
    return len(old), old[-1][0] if old else after


def _retire(store: Store, generation: Generation) -> None:
    """Delete the older generations. New keys have been of the newest one since the rotation began."""
    with store.writing() as connection:
        for table in ("data_keys", "purposes"):
            n_left = connection.execute(
                f"select count(*) from {table} where generation < ?", (generation.number,)
            ).fetchone()[0]
            if n_left:
                raise VaultKeyMismatchError(
                    f"{n_left} keys in {table} are of an older generation than {generation.number}; nothing was "
                    "deleted, run the rotation again"
                )
        connection.execute("delete from generations where generation < ?", (generation.number,))
