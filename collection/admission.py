"""What of a settled batch may be stored, and in what form. Whom to leave out and what to seal, the caller says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from collection.settling import Settled

if TYPE_CHECKING:
    import pyarrow as pa

Blocked = Callable[[Sequence[str]], AbstractSet[str]]
Protect = Callable[["pa.Table"], "pa.Table"]


def without_blocked(blocked: Blocked | None, batch: Settled) -> Settled:
    """The batch without the events of blocked people; a repeat of such an event goes the same way."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if blocked is None:
        return batch
    users = batch.events["user_id"].unique().drop_null().to_pylist()
    named = blocked(users)
    if not named:
        return batch
    gone = pc.is_in(batch.events["user_id"], pa.array(sorted(named), pa.string()))
    ids = set(batch.events.filter(gone)["id"].to_pylist())
    repeats = tuple(repeat for repeat in batch.repeats if repeat.id not in ids)
    n_gone = len(ids) + len(batch.repeats) - len(repeats)
    return replace(
        batch, events=batch.events.filter(pc.invert(gone)), repeats=repeats, n_refused=batch.n_refused + n_gone
    )


def protected(protect: Protect | None, batch: Settled) -> Settled:
    """The batch as it may be stored. A repeat of an event has the fingerprint that the event has now."""
    if protect is None or (events := protect(batch.events)) is batch.events:
        return batch
    if not batch.repeats:
        return replace(batch, events=events)
    ids = events["id"].to_pylist()
    plain, stored = (dict(zip(ids, table["fingerprint"].to_pylist(), strict=True)) for table in (batch.events, events))
    repeats = (
        replace(repeat, fingerprint=bytes.fromhex(stored[repeat.id][2:]))
        if plain[repeat.id] == "\\x" + repeat.fingerprint.hex()
        else repeat
        for repeat in batch.repeats
    )
    return replace(batch, events=events, repeats=tuple(repeats))
