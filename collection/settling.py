"""Settles a batch before the database sees it: mapped, refused without a basis, repeats set aside. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from collection.batches import Batch
from collection.columns import Rows, SessionState, arrange
from collection.errors import MappingError
from collection.expressions import Path
from collection.mapping import Mapping
from collection.records import Fault

if TYPE_CHECKING:
    import pyarrow as pa


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
    for batch in batches:
        if not checked and (checked := len(batch.faults) < len(batch.records)):
            _check_fields(batch, mapping, name)
        settled = _settled(batch, n_before, mapping, sessions, now, has_basis, done)
        n_before += len(batch.records)
        if n_before > done:
            yield settled


def _settled(  # noqa: PLR0913 - one batch's whole context
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
    numbers = [n_before + 1 + good[i] for i in rows.positions]
    rows, numbers, n_refused = _with_basis(rows, numbers, has_basis, done)
    rows, numbers, repeats = _distinct(rows, numbers)
    faults = {number: faults[number] for number in sorted(faults) if number > done}
    n_new = n_before + len(batch.records) - max(done, n_before)
    return Settled(n_new, n_before + 1, _table(rows, numbers), n_refused, repeats, faults, batch)


def _table(rows: Rows, numbers: list[int]) -> pa.Table:
    import pyarrow as pa

    return rows.arrow().append_column("record_no", pa.array(numbers, pa.int64()))


def _with_basis(rows: Rows, numbers: list[int], has_basis: bool, done: int) -> tuple[Rows, list[int], int]:
    """Without a basis only nobody's events stay."""
    users = rows.columns["user_id"]
    if not done and (has_basis or not any(user is not None for user in users)):
        return rows, numbers, 0
    new = [i for i, number in enumerate(numbers) if number > done]
    kept = [i for i in new if has_basis or users[i] is None]
    return rows.take(kept), [numbers[i] for i in kept], len(new) - len(kept)


def _distinct(rows: Rows, numbers: list[int]) -> tuple[Rows, list[int], tuple[Repeat, ...]]:
    """Each id once; whether a repeat is a duplicate or a collision shows when the first one is stored."""
    ids, prints = rows.columns["id"], rows.columns["fingerprint"]
    if len(set(ids)) == len(ids):
        return rows, numbers, ()
    seen: set[str] = set()
    kept, repeats = [], []
    for i, id_ in enumerate(ids):
        if id_ in seen:
            repeats.append(Repeat(numbers[i], id_, prints[i]))
        else:
            seen.add(id_)
            kept.append(i)
    return rows.take(kept), [numbers[i] for i in kept], tuple(repeats)


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
            if type(value) is not dict or step not in value:
                break
            value = value[step]
        else:
            return True
    return False


def ahead(items: Iterator[Settled]) -> Iterator[Settled]:
    """The same items, the next one being made in a thread while the caller works on this one."""
    with ThreadPoolExecutor(1, thread_name_prefix="lethe-import") as pool:
        pending = pool.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = pool.submit(next, items, None)
            yield item
