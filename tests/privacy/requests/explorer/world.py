"""What surrounds a request: who asks, the worker, the rows, late events, crashes. All that may happen next, no more.

The machine is the real one (its table is an argument). Everything here is the truth that the machine does not see, and
people and worker try every step at every time: it is the machine that has to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from privacy.requests.machine import Case, Event, Move, State, Transition, attempt

OPENER, OTHER, ATTESTOR, WORKER = "opener", "other", "attestor", "worker"


@dataclass(frozen=True, slots=True)
class World:
    """The truth: is the asker the person, is the request large, are rows there, what was done to them, by whose leave.

    in_flight: an import that began before the person's events were refused may still bring one; the eraser waits for
    it before it measures. is_working: a worker lives and holds the lock of the request.
    """

    is_genuine: bool
    is_large: bool
    rows_left: bool = True
    in_flight: bool = True
    was_touched: bool = False
    approver: str | None = None
    n_missed: int = 0
    is_working: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """The stored case and the world around it: one node of the graph."""

    case: Case
    world: World


Table = tuple[Transition, ...]
Step = tuple[str, Situation]


def beginnings(n_codes: int) -> list[Situation]:
    """A request of the person or of an impostor, small or large."""
    return [
        Situation(Case(opened_by=OPENER, challenges_left=n_codes), World(is_genuine=genuine, is_large=large))
        for genuine in (True, False)
        for large in (True, False)
    ]


def successors(now: Situation, table: Table) -> Iterator[Step]:
    """Everything that anybody can do next, with its name."""
    yield from _asker(now, table)
    yield from _operators(now, table)
    yield from _worker(now, table)
    if now.world.is_working:
        yield "crash", _with(now, is_working=False)
    if now.world.in_flight and not now.world.rows_left:
        yield "late event", _with(now, rows_left=True, in_flight=False)


def _asker(now: Situation, table: Table) -> Iterator[Step]:
    """The code reaches the person only; an impostor's answers miss."""
    yield from _moved(_with(now, n_missed=now.world.n_missed + 1), Move(Event.CODE_MISSED, "asker"), table)
    if now.world.is_genuine:
        yield from _moved(now, Move(Event.CODE_MATCHED, "asker"), table)


def _operators(now: Situation, table: Table) -> Iterator[Step]:
    """Operators vouch for nobody they do not know; otherwise each tries everything."""
    for event in (Event.CHALLENGE, Event.REFUSE, Event.WITHDRAW, Event.EXTEND):
        yield from _moved(now, Move(event, OPENER), table)
    yield from _moved(now, Move(Event.ASSESS, OPENER, is_large=now.world.is_large), table)
    for actor in (OPENER, ATTESTOR, OTHER):
        if now.world.is_genuine:
            yield from _moved(now, Move(Event.ATTEST, actor), table)
        yield from _moved(_with(now, approver=actor), Move(Event.APPROVE, actor), table)


def _worker(now: Situation, table: Table) -> Iterator[Step]:
    """One at a time. It may miss rows or claim to be done; what it counts is true, and a proof may fail."""
    if not now.world.is_working:
        yield from _moved(_with(now, is_working=True), Move(Event.START, WORKER), table)
        return
    if now.case.state is State.IN_PROGRESS:
        yield "works", _with(now, rows_left=False, was_touched=True)
        yield "works, but misses a row", _with(now, was_touched=True)
    yield from _moved(now, Move(Event.FINISH, WORKER), table)
    for proven in (True, False):
        counted = Move(Event.MEASURE, WORKER, n_survivors=int(now.world.rows_left), is_proven=proven)
        yield from _moved(_with(now, in_flight=False), counted, table)
    for event in (Event.COMPLETE, Event.FAIL):
        yield from _moved(_with(now, is_working=False), Move(event, WORKER), table)


def _with(now: Situation, **changes: object) -> Situation:
    return replace(now, world=replace(now.world, **changes))  # type: ignore[arg-type]


def _moved(now: Situation, move: Move, table: Table) -> Iterator[Step]:
    """The situation after a move of the machine, when the machine allows it."""
    case = attempt(now.case, move, table)
    if case is not None:
        yield f"{move.event} by {move.actor}", replace(now, case=case)
