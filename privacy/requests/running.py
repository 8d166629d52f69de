"""Carries a request out: start, work, measure, complete, each stored before the next. Killed anywhere, run it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from privacy.requests.effects import Effect, Evidence, Measurement
from privacy.requests.errors import OpenRequestsError, SurvivingRowsError
from privacy.requests.kinds import Kind, Task
from privacy.requests.machine import Event, Move, State

if TYPE_CHECKING:
    from privacy.requests.desk import Desk
    from privacy.requests.store import Request


def run(desk: Desk, request_id: str, effect: Effect, *, by: str) -> Request:
    """Carry out an approved, failed or interrupted request to its end.

    Raises SurvivingRowsError when something is left; the request is failed then, and so it is when the effect raises.
    """
    with desk.claimed(request_id):
        task = replace(desk.task(request_id), by=by)
        _refuse_stranded(desk, task)
        desk.move(request_id, Move(Event.START, by), "carried out")
        try:
            evidence = effect.carry_out(task)
            desk.move(request_id, Move(Event.FINISH, by), "the work says that it is done", _shown(evidence))
            found = effect.measure(task, evidence)
            measured = _measured(desk, request_id, found, by)
        except Exception as error:
            # Only the kind of error is stored: its message may quote what it was about.
            desk.move(request_id, Move(Event.FAIL, by), f"failed with {type(error).__name__}")
            raise
        if measured.state is State.FAILED:
            raise SurvivingRowsError(_explained(request_id, found))
        return desk.move(request_id, Move(Event.COMPLETE, by), "measured: nothing is left")


def _measured(desk: Desk, request_id: str, found: Measurement, by: str) -> Request:
    detail = {"survivors": dict(found.survivors), "is_proven": found.is_proven, **found.detail}
    move = Move(Event.MEASURE, by, n_survivors=found.n_survivors, is_proven=found.is_proven)
    return desk.move(request_id, move, f"measured in {len(found.survivors)} places", detail)


def _refuse_stranded(desk: Desk, task: Task) -> None:
    """After an erasure nobody can tell whose the person's other open requests are."""
    others = desk.others_open(task.request_id) if task.kind in (Kind.ERASURE, Kind.ANONYMISE) else []
    if others:
        raise OpenRequestsError(f"the same person has {', '.join(others)} open; finish or withdraw them first")


def _shown(evidence: Evidence) -> Evidence:
    """Evidence for the audit trail: a receipt is kept where receipts are, and named here by its digest."""
    return {name: value for name, value in evidence.items() if name != "receipt"}


def _explained(request_id: str, found: Measurement) -> str:
    left = ", ".join(f"{place}: {n:,}" for place, n in found.survivors.items() if n)
    why = f"left undone: {left}" if left else "the proof does not verify"
    return f"{request_id} is not complete; {why}. Find out why, then run it again"
