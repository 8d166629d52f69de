"""The machine of a privacy request: states, events, and one table of transitions. Pure; it stores and does nothing.

An exhaustive explorer walks it in tests/privacy/requests, with crashes, impostors and late events around it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from privacy.requests.errors import ForbiddenTransitionError

TRIES = 5  # answers to one code; 8 digits leave a guesser 15 in 100 million over all challenges
CHALLENGES = 3
BY_CODE = "one-time code"


class State(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    IDENTITY_CHECK = "identity_check"
    IDENTITY_FAILED = "identity_failed"
    IDENTIFIED = "identified"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    FAILED = "failed"
    COMPLETE = "complete"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What can happen to a request."""

    CHALLENGE = "challenge"  # a one-time code was made
    CODE_MATCHED = "code_matched"
    CODE_MISSED = "code_missed"
    ATTEST = "attest"  # an operator vouches for the identity
    ASSESS = "assess"  # the rows it touches were counted
    APPROVE = "approve"
    START = "start"  # or start again, after a failure or a crash
    FINISH = "finish"  # the work says that it is done
    MEASURE = "measure"  # survivors were counted
    COMPLETE = "complete"
    FAIL = "fail"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    EXTEND = "extend"  # GDPR art. 12(3): two further months


TERMINAL = frozenset({State.COMPLETE, State.REFUSED, State.WITHDRAWN})
UNIDENTIFIED = frozenset({State.RECEIVED, State.IDENTITY_CHECK, State.IDENTITY_FAILED})
UNSTARTED = UNIDENTIFIED | {State.IDENTIFIED, State.AWAITING_APPROVAL, State.APPROVED}
RUNNING = frozenset({State.IN_PROGRESS, State.VERIFYING, State.VERIFIED})


@dataclass(frozen=True, slots=True)
class Case:
    """All that the machine knows of a request. n_survivors None: not measured since the work last began."""

    opened_by: str
    state: State = State.RECEIVED
    is_extended: bool = False
    tries_left: int = 0
    challenges_left: int = CHALLENGES
    identified_by: str | None = None
    is_large: bool | None = None
    approved_by: str | None = None
    has_started: bool = False
    n_survivors: int | None = None
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One event with who caused it and what it brings: is_large with ASSESS, the other two with MEASURE."""

    event: Event
    actor: str
    is_large: bool | None = None
    n_survivors: int | None = None
    is_proven: bool = False


Guard = Callable[[Case, Move], bool]


def challenges_remain(case: Case, _move: Move) -> bool:
    """There is a limit to codes, because each gives a guesser TRIES answers."""
    return case.challenges_left > 0


def tries_remain(case: Case, _move: Move) -> bool:
    """The code may still be missed again."""
    return case.tries_left > 1


def last_try(case: Case, _move: Move) -> bool:
    """This was the last answer to this code."""
    return case.tries_left <= 1


def is_small(_case: Case, move: Move) -> bool:
    """The request was measured and touches little of every table."""
    return move.is_large is False


def is_large(_case: Case, move: Move) -> bool:
    """The request touches more of a table than one person may decide on."""
    return move.is_large is True


def another_person(case: Case, move: Move) -> bool:
    """Neither who opened the request nor who vouched for the identity."""
    return move.actor not in (case.opened_by, case.identified_by)


def is_verified(_case: Case, move: Move) -> bool:
    """Nothing survives, and the proof of it holds."""
    return move.n_survivors == 0 and move.is_proven


def is_unverified(case: Case, move: Move) -> bool:
    """Something survives, was not measured, or is not proven."""
    return not is_verified(case, move)


def not_extended(case: Case, _move: Move) -> bool:
    """The time can be extended once."""
    return not case.is_extended


@dataclass(frozen=True, slots=True)
class Transition:
    """From any of the sources, when every guard holds, to the target (None: the state stays)."""

    event: Event
    sources: frozenset[State]
    target: State | None
    guards: tuple[Guard, ...] = ()


TRANSITIONS: tuple[Transition, ...] = (
    Transition(Event.CHALLENGE, UNIDENTIFIED, State.IDENTITY_CHECK, (challenges_remain,)),
    Transition(Event.CODE_MATCHED, frozenset({State.IDENTITY_CHECK}), State.IDENTIFIED),
    Transition(Event.CODE_MISSED, frozenset({State.IDENTITY_CHECK}), State.IDENTITY_CHECK, (tries_remain,)),
    Transition(Event.CODE_MISSED, frozenset({State.IDENTITY_CHECK}), State.IDENTITY_FAILED, (last_try,)),
    Transition(Event.ATTEST, UNIDENTIFIED, State.IDENTIFIED),
    Transition(Event.ASSESS, frozenset({State.IDENTIFIED}), State.APPROVED, (is_small,)),
    Transition(Event.ASSESS, frozenset({State.IDENTIFIED}), State.AWAITING_APPROVAL, (is_large,)),
    Transition(Event.APPROVE, frozenset({State.AWAITING_APPROVAL}), State.APPROVED, (another_person,)),
    Transition(Event.START, RUNNING | {State.APPROVED, State.FAILED}, State.IN_PROGRESS),
    Transition(Event.FINISH, frozenset({State.IN_PROGRESS}), State.VERIFYING),
    Transition(Event.MEASURE, frozenset({State.VERIFYING}), State.VERIFIED, (is_verified,)),
    Transition(Event.MEASURE, frozenset({State.VERIFYING}), State.FAILED, (is_unverified,)),
    Transition(Event.COMPLETE, frozenset({State.VERIFIED}), State.COMPLETE),
    Transition(Event.FAIL, RUNNING, State.FAILED),
    Transition(Event.REFUSE, UNSTARTED, State.REFUSED),
    Transition(Event.WITHDRAW, UNSTARTED, State.WITHDRAWN),
    Transition(Event.EXTEND, frozenset(State) - TERMINAL, None, (not_extended,)),
)


def step(case: Case, move: Move, table: tuple[Transition, ...] = TRANSITIONS) -> Case:
    """The case after a move. Raises ForbiddenTransitionError with the steps that are possible."""
    following = attempt(case, move, table)
    if following is None:
        raise ForbiddenTransitionError(_explained(case, move, table))
    return following


def attempt(case: Case, move: Move, table: tuple[Transition, ...] = TRANSITIONS) -> Case | None:
    """The case after a move, or None where the table does not allow it."""
    for row in table:
        if row.event is move.event and case.state in row.sources and all(guard(case, move) for guard in row.guards):
            return replace(case, state=row.target or case.state, **_changes(case, move))
    return None


def possible(case: Case, table: tuple[Transition, ...] = TRANSITIONS) -> list[Event]:
    """Events that have a transition from this state, whatever their guards say."""
    return sorted({row.event for row in table if case.state in row.sources})


def _changes(case: Case, move: Move) -> dict[str, Any]:
    """What an event changes besides the state. A new start forgets the measurement before it."""
    match move.event:
        case Event.CHALLENGE:
            return {"tries_left": TRIES, "challenges_left": case.challenges_left - 1}
        case Event.CODE_MISSED:
            return {"tries_left": max(case.tries_left - 1, 0)}
        case Event.CODE_MATCHED:
            return {"identified_by": BY_CODE, "tries_left": 0}
        case Event.ATTEST:
            return {"identified_by": move.actor, "tries_left": 0}
        case Event.ASSESS:
            return {"is_large": move.is_large}
        case Event.APPROVE:
            return {"approved_by": move.actor}
        case Event.START:
            return {"has_started": True, "n_survivors": None, "is_proven": False}
        case Event.MEASURE:
            return {"n_survivors": move.n_survivors, "is_proven": move.is_proven}
        case Event.EXTEND:
            return {"is_extended": True}
        case _:
            return {}


def _explained(case: Case, move: Move, table: tuple[Transition, ...]) -> str:
    of_event = [row for row in table if row.event is move.event and case.state in row.sources]
    if of_event:
        broken = {guard.__doc__ or guard.__name__ for row in of_event for guard in row.guards if not guard(case, move)}
        why = " ".join(sorted(text.splitlines()[0] for text in broken))
        return f"a request that is {case.state} cannot take the step {move.event} now; the rule is: {why}"
    steps = ", ".join(possible(case, table)) or "none: it is over; open a new request"
    return f"a request that is {case.state} cannot take the step {move.event}; possible steps: {steps}"
