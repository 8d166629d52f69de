"""The machine against every interleaving of people, crashes and late events; and broken machines, all caught."""

from __future__ import annotations

from dataclasses import replace

import pytest

from privacy.requests import machine
from privacy.requests.errors import ForbiddenTransitionError
from privacy.requests.machine import TRANSITIONS, Case, Event, Move, State, Transition, step
from tests.privacy.requests.explorer.search import Graph, explore, violations
from tests.privacy.requests.explorer.world import Table


@pytest.fixture(scope="module")
def graph() -> Graph:
    return explore(TRANSITIONS)


def test_the_machine_keeps_every_promise_in_every_situation(graph: Graph) -> None:
    assert violations(graph) == {}
    assert {at.case.state for at in graph.steps} == set(State)
    print(f"{len(graph.steps):,} situations, {sum(map(len, graph.steps.values())):,} steps")


def test_every_event_happens_somewhere(graph: Graph) -> None:
    taken = {name.split(" by ")[0] for steps in graph.steps.values() for name, _ in steps}
    assert set(map(str, Event)) <= taken


def without_guard(event: Event, guard: machine.Guard) -> Table:
    return tuple(
        replace(row, guards=tuple(g for g in row.guards if g is not guard)) if row.event is event else row
        for row in TRANSITIONS
    )


def with_source(event: Event, state: State) -> Table:
    return tuple(replace(row, sources=row.sources | {state}) if row.event is event else row for row in TRANSITIONS)


def without_source(event: Event, state: State) -> Table:
    return tuple(replace(row, sources=row.sources - {state}) if row.event is event else row for row in TRANSITIONS)


def with_row(*row: Transition) -> Table:
    return (*row, *TRANSITIONS)


BROKEN: dict[str, tuple[Table, str]] = {
    "complete from work alone": (with_source(Event.COMPLETE, State.VERIFYING), "complete means"),
    "complete after a failed measurement": (with_source(Event.COMPLETE, State.FAILED), "complete means"),
    "survivors or a missing proof pass": (without_guard(Event.MEASURE, machine.is_verified), "complete means"),
    "work before identity": (with_source(Event.START, State.RECEIVED), "no work before"),
    "work after a failed identity": (with_source(Event.START, State.IDENTITY_FAILED), "no work before"),
    "a missed code passes": (
        with_row(Transition(Event.CODE_MISSED, frozenset({State.IDENTITY_CHECK}), State.IDENTIFIED)),
        "no work before",
    ),
    "work before approval": (with_source(Event.START, State.AWAITING_APPROVAL), "large work"),
    "approval by the opener": (without_guard(Event.APPROVE, machine.another_person), "large work"),
    "large counts as small": (without_guard(Event.ASSESS, machine.is_small), "large work"),
    "endless codes": (without_guard(Event.CHALLENGE, machine.challenges_remain), "answers to codes"),
    "endless tries": (without_guard(Event.CODE_MISSED, machine.tries_remain), "answers to codes"),
    "withdrawn in the middle": (with_source(Event.WITHDRAW, State.FAILED), "what was begun is"),
    "refused in the middle": (with_source(Event.REFUSE, State.IN_PROGRESS), "what was begun is"),
    "complete is reopened": (with_source(Event.START, State.COMPLETE), "what is over"),
    "refused is reopened": (with_source(Event.CHALLENGE, State.REFUSED), "what is over"),
    "failed is a dead end": (without_source(Event.START, State.FAILED), "what was begun can"),
    "a crash in the work is a dead end": (without_source(Event.START, State.IN_PROGRESS), "what was begun can"),
    "a crash after measuring is a dead end": (
        tuple(row for row in without_source(Event.START, State.VERIFIED) if row.event is not Event.FAIL),
        "what was begun can",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_machine_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.privacy.requests.explorer.search.BOUND", 6_000)
    monkeypatch.setattr(machine, "TRIES", 2)  # as good as five to find a fault, and a small world
    monkeypatch.setattr(machine, "CHALLENGES", 1)
    table, promise = BROKEN[name]
    table = tuple(row for row in table if row.event is not Event.EXTEND)  # half the world, and nothing to do with it
    try:
        found = violations(explore(table))
    except AssertionError:  # answers without end make a world without end
        assert promise == "answers to codes"
        return
    broken = [way for kept, way in found.items() if kept.startswith(promise)]
    assert broken, f"{name} broke {sorted(found)} only"


def test_a_refused_step_says_what_is_possible() -> None:
    with pytest.raises(ForbiddenTransitionError, match=r"received.*possible steps: attest, challenge, extend"):
        step(Case("anna"), Move(Event.COMPLETE, "anna"))
    large = replace(Case("anna"), state=State.AWAITING_APPROVAL, identified_by="ben")
    for actor in ("anna", "ben"):
        with pytest.raises(ForbiddenTransitionError, match="Neither who opened"):
            step(large, Move(Event.APPROVE, actor))
    assert step(large, Move(Event.APPROVE, "chris")).state is State.APPROVED


def test_a_new_start_forgets_the_measurement() -> None:
    verified = Case("anna", State.VERIFIED, identified_by="ben", has_started=True, n_survivors=0, is_proven=True)
    again = step(verified, Move(Event.START, "ben"))
    assert (again.state, again.n_survivors, again.is_proven) == (State.IN_PROGRESS, None, False)
