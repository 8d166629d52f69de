"""Settles a batch before the database sees it: mapped, refused without a basis, repeats set aside. Pure."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from collection.batches import Batch
from collection.columns import Rows, SessionState, arrange
from collection.errors import MappingError
from collection.expressions import Path, item_at
from collection.mapping import Mapping
from collection.records import Fault

if TYPE_CHECKING:
    import pyarrow as pa

SHORT_TURN_S = 0.0005


@dataclass(frozen=True, slots=True)
class Repeat:
    """A later record of a batch with an id that an earlier one has."""

    record_no: int
    id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Settled:
    """A batch ready to store: events with record_no, what is refused and repeated, faults by record number."""

    n_read: int
    first_no: int
    events: pa.Table
    n_refused: int
    repeats: tuple[Repeat, ...]
    faults: dict[int, Fault]
    batch: Batch


def settle(
    batches: Iterable[Batch], mapping: Mapping, *, name: str, now: datetime, has_basis: bool, done: int = 0
) -> Iterator[Settled]:
    """Settle a file's batches in order, leaving out the first `done` records, which an earlier run stored.

    Raises MappingError when the first batch lacks a source field that the mapping names.
    """
    sessions = SessionState()
    n_before, checked = 0, False
    source = iter(batches)
    while True:
        with _cycles_unsearched():
            batch = next(source, None)
            if batch is None:
                return
            if not checked and (checked := len(batch.faults) < len(batch.records)):
                _check_fields(batch, mapping, name)
            n_records = len(batch.records)
            settled = _settled(batch, n_before, mapping, sessions, now, has_basis, done)
            del batch
        n_before += n_records
        if n_before > done:
            yield settled


@contextmanager
def _cycles_unsearched() -> Iterator[None]:
    """Records hold no cycles, and searching a hundred thousand of them for some doubles the time of parsing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _settled(  # noqa: PLR0913, PLR0917 - one batch's whole context
    batch: Batch,
    n_before: int,
    mapping: Mapping,
    sessions: SessionState,
    now: datetime,
    has_basis: bool,
    done: int,
) -> Settled:
    good = range(len(batch.records))
    records = batch.records
    if batch.faults:
        good = [i for i in good if i not in batch.faults]  # type: ignore[assignment]
        records = [records[i] for i in good]
    rows = arrange(records, mapping, sessions, now=now)
    faults = {n_before + 1 + i: fault for i, fault in batch.faults.items()}
    faults |= {n_before + 1 + good[i]: fault for i, fault in rows.faults.items()}
    faults = {number: faults[number] for number in sorted(faults) if number > done}
    numbers = [n_before + 1 + good[i] for i in rows.positions]
    kept, n_refused = _with_basis(rows, numbers, has_basis, done)
    kept, repeats = _distinct(rows, numbers, kept)
    n_new = n_before + len(batch.records) - max(done, n_before)
    batch = replace(batch, records=[])  # the database side needs their places and bytes only
    return Settled(n_new, n_before + 1, _table(rows, numbers, kept), n_refused, repeats, faults, batch)


def _table(rows: Rows, numbers: list[int], kept: Sequence[int]) -> pa.Table:
    import pyarrow as pa

    table = rows.arrow().append_column("record_no", pa.array(numbers, pa.int64()))
    return table if len(kept) == len(numbers) else table.take(pa.array(kept, pa.int64()))


def _with_basis(rows: Rows, numbers: list[int], has_basis: bool, done: int) -> tuple[Sequence[int], int]:
    """Indexes of the rows to store, and how many were refused: without a basis only nobody's events stay."""
    every: Sequence[int] = range(len(numbers))
    new = every if not done else [i for i in every if numbers[i] > done]
    if has_basis:
        return new, 0
    users = rows.column("user_id")
    kept = [i for i in new if users[i] is None]
    return kept, len(new) - len(kept)


def _distinct(rows: Rows, numbers: list[int], kept: Sequence[int]) -> tuple[Sequence[int], tuple[Repeat, ...]]:
    """Each id once; whether a repeat is a duplicate or a collision shows when the first one is stored."""
    ids, prints = rows.column("id"), rows.column("fingerprint")
    if len(set(ids)) == len(ids):
        return kept, ()
    seen: set[str] = set()
    firsts, repeats = [], []
    for i in kept:
        if ids[i] in seen:
            repeats.append(Repeat(numbers[i], ids[i], prints[i]))
        else:
            seen.add(ids[i])
            firsts.append(i)
    return firsts, tuple(repeats)


def _check_fields(batch: Batch, mapping: Mapping, name: str) -> None:
    records = [record for record in batch.records if record is not None]
    seen = {path for path in mapping.paths() if _seen(path, records, batch.names)}
    missing = mapping.missing_in(seen)
    if missing:
        raise MappingError(
            f"the mapping names {', '.join(missing)}, which no record at the start of {name} has: correct the name, "
            "or write {field: ..., optional: true}; nothing was imported"
        )


def _seen(path: Path, records: list[dict[str, Any]], names: frozenset[str] | None) -> bool:
    if names is not None:
        return path[0] in names
    for record in records:
        value: Any = record
        for step in path:
            if type(value) is dict and step in value:
                value = value[step]
            elif (value := item_at(value, step)) is None:
                break
        else:
            return True
    return False


@contextmanager
def _short_turns() -> Iterator[None]:
    """The caller mostly waits for the database; at Python's 5 ms turns it would then wait for the parser as well."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def ahead(items: Iterator[Settled]) -> Generator[Settled, None, None]:
    """The same items, the next one being made in a thread while the caller works on this one."""
    with _short_turns(), ThreadPoolExecutor(1, thread_name_prefix="lethe-import") as pool:
        pending = pool.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = pool.submit(next, items, None)
            yield item
