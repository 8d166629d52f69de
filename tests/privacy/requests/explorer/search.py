"""Breadth-first over every situation that can be reached, and the promises that each must keep. Nothing is sampled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from privacy.requests import machine
from privacy.requests.machine import TERMINAL, State
from tests.privacy.requests.explorer.world import OPENER, Situation, Table, beginnings, successors

BOUND = 200_000


@dataclass(frozen=True, slots=True)
class Graph:
    """Every reachable situation with the steps out of it, and how each was first reached."""

    steps: dict[Situation, tuple[tuple[str, Situation], ...]]
    parents: dict[Situation, tuple[Situation, str] | None]

    def path(self, situation: Situation) -> list[str]:
        """The shortest way there, as names of steps."""
        names: list[str] = []
        while (parent := self.parents[situation]) is not None:
            situation, name = parent
            names.append(name)
        return names[::-1]


def explore(table: Table) -> Graph:
    """All reachable situations of a table; refuses to end silently at a bound."""
    queue = deque(beginnings(machine.CHALLENGES))
    parents: dict[Situation, tuple[Situation, str] | None] = dict.fromkeys(queue)
    steps: dict[Situation, tuple[tuple[str, Situation], ...]] = {}
    while queue:
        now = queue.popleft()
        steps[now] = tuple(successors(now, table))
        for name, following in steps[now]:
            if following not in parents:
                parents[following] = (now, name)
                queue.append(following)
        if len(parents) > BOUND:
            raise AssertionError(f"more than {BOUND:,} situations: the world is not finite")
    return Graph(steps, parents)


def _complete_is_true(at: Situation) -> bool:
    case, world = at.case, at.world
    measured = case.n_survivors == 0 and case.is_proven
    return case.state is not State.COMPLETE or (measured and not world.rows_left and world.was_touched)


def _no_work_for_impostors(at: Situation) -> bool:
    return not at.world.was_touched or (at.world.is_genuine and at.case.identified_by is not None)


def _large_work_needs_another(at: Situation) -> bool:
    if not (at.world.was_touched and at.world.is_large):
        return True
    return at.world.approver not in (None, OPENER, at.case.identified_by)


def _touched_is_not_undone(at: Situation) -> bool:
    return not (at.world.was_touched and at.case.state in (State.REFUSED, State.WITHDRAWN))


def _guessing_is_limited(at: Situation) -> bool:
    return at.world.n_missed <= machine.TRIES * machine.CHALLENGES


OF_EACH: dict[str, Callable[[Situation], bool]] = {
    "complete means measured, proven and true": _complete_is_true,
    "no work before the identity is known": _no_work_for_impostors,
    "large work only after another person agreed": _large_work_needs_another,
    "what was begun is neither refused nor withdrawn": _touched_is_not_undone,
    "answers to codes are limited": _guessing_is_limited,
}


def violations(graph: Graph) -> dict[str, list[str]]:
    """Broken promises, each with the shortest way to break it."""
    found: dict[str, list[str]] = {}
    for situation in graph.steps:  # in order of distance, so the first is the shortest
        for promise, holds in OF_EACH.items():
            if promise not in found and not holds(situation):
                found[promise] = graph.path(situation)
    for promise, broken in _of_the_whole(graph):
        found[promise] = graph.path(broken)
    return found


def _of_the_whole(graph: Graph) -> Iterable[tuple[str, Situation]]:
    for at, steps in graph.steps.items():
        if at.case.state in TERMINAL and any(after.case != at.case for _, after in steps):
            yield "what is over stays over", at
            break
    ends = _leading_to(graph, lambda at: at.case.state in TERMINAL)
    yield from (("every request can end", at) for at in graph.steps if at not in ends)
    completes = _leading_to(graph, lambda at: at.case.state is State.COMPLETE)
    yield from (
        ("what was begun can be completed", at) for at in graph.steps if at.world.was_touched and at not in completes
    )


def _leading_to(graph: Graph, is_goal: Callable[[Situation], bool]) -> set[Situation]:
    """Situations from which some way leads to a goal."""
    backwards: dict[Situation, list[Situation]] = {}
    for at, steps in graph.steps.items():
        for _, following in steps:
            backwards.setdefault(following, []).append(at)
    reached = {at for at in graph.steps if is_goal(at)}
    queue = deque(reached)
    while queue:
        for before in backwards.get(queue.popleft(), ()):
            if before not in reached:
                reached.add(before)
                queue.append(before)
    return reached
