"""Workflow templates from successful sessions: runs of steps that many people took, with slots. No text, no ranking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from ml.families.terms import K_PEOPLE

SLOT = "*"
SHORTEST, LONGEST = 2, 6
PRIOR_SESSIONS = 20.0  # of the overall success rate, added to each run: a rate of few sessions is drawn to it

Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """What one person did in one sitting, repeats of a step once, and whether it got where such sessions should."""

    person: str
    steps: Steps
    has_succeeded: bool


@dataclass(frozen=True, slots=True)
class Workflow:
    """A run of steps, or with SLOT in it a template: people and sessions that hold it, and how many of those succeeded.

    fillers: for each slot in order, the steps that stood there with their people, most first. success_rate is drawn to
    the rate of all sessions; lift is what it is above that rate.
    """

    steps: Steps
    n_people: int
    n_sessions: int
    n_succeeded: int
    success_rate: float
    lift: float
    fillers: tuple[Mapping[str, int], ...] = ()


def sessions_of(rows: pd.DataFrame, has_succeeded: Callable[[Steps], bool]) -> list[Session]:
    """Sessions of rows of features.ftr_user_sequences: subject, session_started_at, step_no, action."""
    ordered = rows.sort_values(["subject", "session_started_at", "step_no"], kind="stable")
    found = []
    for (subject, _), part in ordered.groupby(["subject", "session_started_at"], sort=False):
        steps = tuple(step for step, _ in groupby(part["action"]))
        found.append(Session(str(subject), steps, has_succeeded(steps)))
    return found


def reached(goals: Collection[str], failures: Collection[str]) -> Callable[[Steps], bool]:
    """Success of a session: it came to one of the goals, and to none of the failures afterwards."""

    def has_succeeded(steps: Steps) -> bool:
        last_goal = max((at for at, step in enumerate(steps) if step in goals), default=None)
        return last_goal is not None and not any(step in failures for step in steps[last_goal:])

    return has_succeeded


def mine(sessions: Sequence[Session], k_people: int = K_PEOPLE) -> tuple[Workflow, ...]:
    """Runs of SHORTEST to LONGEST steps of successful sessions that k_people people took, by lift and then people.

    A run is left out where a longer one has the same sessions behind it: it says nothing more.
    """
    everyone, succeeded = _holders(sessions)
    rate = sum(session.has_succeeded for session in sessions) / max(len(sessions), 1)
    found = {
        run: _workflow(run, sessions, held, succeeded[run], rate)
        for run, held in everyone.items()
        if len({sessions[at].person for at in succeeded.get(run, ())}) >= k_people
    }
    implied = _implied(found)
    return _ranked([workflow for run, workflow in found.items() if run not in implied])


def generalise(workflows: Sequence[Workflow], k_people: int = K_PEOPLE) -> tuple[Workflow, ...]:
    """Templates with one slot: workflows alike in all steps but an inner or last one, with what stood there.

    A filler keeps the people of its own workflow, so that each has k_people behind it. n_people of a template is the
    largest of its workflows': people may have taken several.
    """
    alike: dict[Steps, list[tuple[str, Workflow]]] = defaultdict(list)
    for workflow in workflows:
        for place in range(1, len(workflow.steps)):
            steps = workflow.steps
            alike[(*steps[:place], SLOT, *steps[place + 1 :])].append((steps[place], workflow))
    made = []
    for steps, members in alike.items():
        fillers = {step: w.n_people for step, w in sorted(members, key=lambda m: (-m[1].n_people, m[0]))}
        if len(fillers) >= 2 and min(fillers.values()) >= k_people and len(steps) > SHORTEST:
            made.append(_merged(steps, [w for _, w in members], fillers))
    return _ranked(made)


def fill_steps(template: Workflow, likelihood: Callable[[Steps, str], float]) -> Steps:
    """The template's steps with each slot filled by the likeliest of its fillers after the steps before it.

    likelihood: P(step | steps before), such as step_language.StepLanguage.probability; the name decides a tie.
    """
    made: list[str] = []
    fillers = iter(template.fillers)
    for step in template.steps:
        made.append(max(sorted(next(fillers)), key=lambda s: likelihood(tuple(made), s)) if step == SLOT else step)
    return tuple(made)


def continuations(workflows: Sequence[Workflow], begun: Steps, n: int = 3) -> list[Steps]:
    """What is left of the best workflows that start with what was begun; shorter ends of it where none starts so."""
    for length in range(len(begun), 0, -1):
        end = begun[-length:]
        found = [w.steps[length:] for w in workflows if w.steps[:length] == end and len(w.steps) > length]
        if found:
            return found[:n]
    return []


def _runs(steps: Steps) -> Iterator[Steps]:
    for length in range(SHORTEST, min(LONGEST, len(steps)) + 1):
        for start in range(len(steps) - length + 1):
            yield steps[start : start + length]


def _holders(sessions: Sequence[Session]) -> tuple[dict[Steps, set[int]], dict[Steps, set[int]]]:
    """The sessions that hold each run, and those of them that succeeded."""
    everyone: dict[Steps, set[int]] = defaultdict(set)
    succeeded: dict[Steps, set[int]] = defaultdict(set)
    for at, session in enumerate(sessions):
        for run in _runs(session.steps):
            everyone[run].add(at)
            if session.has_succeeded:
                succeeded[run].add(at)
    return everyone, succeeded


def _workflow(run: Steps, sessions: Sequence[Session], held: set[int], good: set[int], rate: float) -> Workflow:
    drawn = (len(good) + PRIOR_SESSIONS * rate) / (len(held) + PRIOR_SESSIONS)
    n_people = len({sessions[at].person for at in good})
    return Workflow(run, n_people, len(held), len(good), drawn, drawn - rate)


def _implied(found: Mapping[Steps, Workflow]) -> set[Steps]:
    """Runs that a run longer by one step holds in as many sessions."""
    return {
        part
        for run, workflow in found.items()
        for part in (run[1:], run[:-1])
        if part in found and found[part].n_sessions == workflow.n_sessions
    }


def _merged(steps: Steps, members: Sequence[Workflow], fillers: Mapping[str, int]) -> Workflow:
    n_sessions, n_succeeded = (sum(getattr(w, name) for w in members) for name in ("n_sessions", "n_succeeded"))
    weight = [w.n_sessions / n_sessions for w in members]
    rate = sum(w.success_rate * part for w, part in zip(members, weight, strict=True))
    lift = sum(w.lift * part for w, part in zip(members, weight, strict=True))
    return Workflow(steps, max(w.n_people for w in members), n_sessions, n_succeeded, rate, lift, (fillers,))


def _ranked(workflows: Sequence[Workflow]) -> tuple[Workflow, ...]:
    return tuple(sorted(workflows, key=lambda w: (-round(w.lift, 9), -w.n_people, w.steps)))
