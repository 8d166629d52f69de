"""Sessions as workflows: who is active when, and which steps a session takes. No field values here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collection.simulator.kinds import KINDS, STATE, USER_KINDS
from collection.simulator.population import Floats, Ints, Population
from collection.simulator.specification import Drift, SimulationSpec
from collection.simulator.transitions import ADVANCED, END, FALLIBLE, STEPS

MAX_STEPS = 48
DAY_US = 86_400_000_000
_DAY_WEIGHTS = np.array([1.0, 1.1, 1.1, 1.05, 0.9, 0.3, 0.25])  # Monday first
_HOUR_WEIGHTS = np.array([1, 1, 1, 1, 1, 2, 5, 12, 30, 45, 48, 40, 30, 42, 48, 45, 38, 28, 16, 10, 8, 6, 4, 2.0])
_SYSTEM_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every event of the log in time order (N): user is -1 for events of nobody, session -1 outside sessions."""

    kind: Ints  # [N] index into KINDS
    user: Ints  # [N]
    session: Ints  # [N]
    at_us: Ints  # [N] microseconds since the first day's midnight


@dataclass(frozen=True, slots=True)
class _Walks:
    user: Ints  # [S]
    day: Ints  # [S]
    steps: NDArray[np.int8]  # [S, MAX_STEPS], -1 after the end


def make_timeline(spec: SimulationSpec, people: Population, rng: np.random.Generator) -> Timeline:
    """Draw sessions until the log has exactly n_events, and put all events in order of time."""
    tour = _tour(spec, people)
    n_system = round(spec.n_events * _SYSTEM_SHARE)
    budget = spec.n_events - n_system
    user, session, kind, day = _cut([tour, *_walks(spec, people, rng, budget)], budget)
    at = _times(spec, people, user, session, day, rng)
    kind = _open_accounts(kind, user, session, at, people)
    kind = np.concatenate([kind, len(USER_KINDS) + (rng.random(n_system) < 0.3).astype(np.int64)])
    at = np.concatenate([at, (rng.random(n_system) * spec.n_days * DAY_US).astype(np.int64)])
    nobody = np.full(n_system, -1)
    order = np.argsort(at, kind="stable")
    return Timeline(
        kind[order],
        np.concatenate([user, nobody])[order],
        np.concatenate([session, nobody])[order],
        at[order],
    )


def _tour(spec: SimulationSpec, people: Population) -> _Walks:
    """One session of each canary user through every kind of event of users, so that every field is written."""
    users = np.flatnonzero(people.is_canary)
    steps = np.full((len(users), MAX_STEPS), -1, np.int8)
    kinds = [STATE[kind.action] for kind in KINDS if kind.from_client]
    steps[:, : len(kinds)] = kinds
    return _Walks(users, np.full(len(users), spec.n_days // 2), steps)


def _walks(spec: SimulationSpec, people: Population, rng: np.random.Generator, budget: int) -> Iterator[_Walks]:
    """Batches of sessions, drawn in proportion to each user's weekly rate, until the budget is surely spent."""
    rates = people.weekly_rate * np.where(people.is_fraud, 2.5, 1.0)[:, None]
    chance = np.cumsum(rates.ravel())
    chance /= chance[-1]
    drawn = 0
    while drawn < budget:
        n_sessions = min(100_000, (budget - drawn) // 6 + 50)
        cell = np.searchsorted(chance, rng.random(n_sessions), side="right")
        user, week = np.divmod(cell, rates.shape[1])
        day = _days(spec, week, rng)
        walks = _Walks(user, day, _steps(spec, people, user, day, rng))
        drawn += int((walks.steps >= 0).sum())
        yield walks


def _days(spec: SimulationSpec, week: Ints, rng: np.random.Generator) -> Ints:
    """A day of each week, working days first; the last week may be short."""
    weights = np.roll(_DAY_WEIGHTS, -spec.start_on.weekday())
    offset = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(len(week)))
    return week * 7 + offset % np.minimum(7, spec.n_days - week * 7)


def _chances() -> Floats:
    """Cumulated chances of the next state, one row per state and a last row for the start."""
    table = np.zeros((END + 1, END + 1))
    for name, following in STEPS.items():
        row = END if name == "start" else STATE[name]
        for target, weight in following.items():
            table[row, END if target == "end" else STATE[target]] = weight
    return np.cumsum(table / table.sum(axis=1, keepdims=True), axis=1)


def _steps(
    spec: SimulationSpec, people: Population, user: Ints, day: Ints, rng: np.random.Generator
) -> NDArray[np.int8]:
    """The steps of each session [S, MAX_STEPS]: a Markov chain bent by breadth, failures, fraud and drift."""
    chances = _chances()
    steps = np.full((len(user), MAX_STEPS), -1, np.int8)
    alive = np.arange(len(user))
    state = np.full(len(user), END)
    for position in range(MAX_STEPS):
        draws = rng.random((4, len(alive)))
        following = (draws[0][:, None] > chances[state]).sum(axis=1)
        following = _bend(following, state, people, user[alive], draws)
        if spec.drift:
            following = _drift(following, spec.drift, spec, day[alive], draws)
        if position == 0:
            following = np.where(following == END, STATE["page_view"], following)
        goes_on = following != END
        alive, state = alive[goes_on], following[goes_on]
        steps[alive, position] = state
    return steps


def _bend(following: Ints, state: Ints, people: Population, user: Ints, draws: Floats) -> Ints:
    """Users with little breadth stay on simple pages, failing services interrupt, fraud hammers the API."""
    advanced = np.isin(following, [STATE[name] for name in ADVANCED])
    following = np.where(advanced & (draws[1] > 0.35 + 0.65 * people.breadth[user]), STATE["page_view"], following)
    fails = np.isin(state, [STATE[name] for name in FALLIBLE]) & (draws[2] < 2 * people.error_rate[user])
    following = np.where(fails, STATE["error"], following)
    return np.where(people.is_fraud[user] & (draws[3] < 0.6), STATE["call"], following)


def _drift(following: Ints, drift: Drift, spec: SimulationSpec, day: Ints, draws: Floats) -> Ints:
    """Shift the mix of actions and the length of sessions from the day of the drift on."""
    is_on = day >= (drift.starts_on - spec.start_on).days
    following = np.where(is_on & (following != END) & (draws[3] < drift.api_share), STATE["call"], following)
    factor = drift.session_length_factor
    if factor >= 1:
        longer = is_on & (following == END) & (draws[2] > 1 / factor)
        return np.where(longer, STATE["page_view"], following)
    # The mean session has about six steps: an extra chance to stop of (1/factor - 1)/6 a step shortens it so.
    return np.where(is_on & (draws[2] > 1 - (1 / factor - 1) / 6), END, following)


def _cut(batches: list[_Walks], budget: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Flatten sessions to events (user, session, kind, day) and keep exactly the budget."""
    user = np.concatenate([walks.user for walks in batches])
    day = np.concatenate([walks.day for walks in batches])
    steps = np.concatenate([walks.steps for walks in batches])
    is_step = steps >= 0
    session = np.repeat(np.arange(len(user)), is_step.sum(axis=1))[:budget]
    return user[session], session, steps[is_step][:budget].astype(np.int64), day[session]


def _open_accounts(kind: Ints, user: Ints, session: Ints, at: Ints, people: Population) -> Ints:
    """The first two events of a user who joined during the log are signup and trial_start."""
    order = np.lexsort((at, user))
    starts = np.concatenate([[True], user[order][1:] != user[order][:-1]])
    first = order[starts]
    first = first[people.joined_week[user[first]] >= 0]
    kind = kind.copy()
    kind[first] = STATE["signup"]
    second = first[first + 1 < len(kind)] + 1
    kind[second[session[second] == session[second - 1]]] = STATE["trial_start"]
    return kind


def _times(
    spec: SimulationSpec, people: Population, user: Ints, session: Ints, day: Ints, rng: np.random.Generator
) -> Ints:
    """Times of events: a start in the user's working hours, then gaps; fraud comes at night and fast."""
    is_first = np.concatenate([[True], session[1:] != session[:-1]])
    opener = np.flatnonzero(is_first)
    hours = np.searchsorted(np.cumsum(_HOUR_WEIGHTS) / _HOUR_WEIGHTS.sum(), rng.random(len(opener)))
    night = (1 + rng.random(len(opener)) * 4).astype(np.int64)
    local = np.where(people.is_fraud[user[opener]], night, hours)
    hour = (local - people.tz_hours[user[opener]]) % 24 + rng.random(len(opener))
    hour = np.where(day[opener] >= spec.n_days - 1, np.minimum(hour, 19 + rng.random(len(opener))), hour)
    gap = np.minimum(240.0, np.exp(3.0 + 1.0 * rng.standard_normal(len(user)))) + 0.05
    gap = np.where(people.is_fraud[user], gap * 0.02, gap)
    gap[is_first] = 0
    elapsed = np.cumsum((gap * 1e6).astype(np.int64))
    since_start = elapsed - np.repeat(elapsed[opener], np.diff(np.append(opener, len(user))))
    start = day[opener] * DAY_US + (hour * 3.6e9).astype(np.int64)
    return np.repeat(start, np.diff(np.append(opener, len(user)))) + since_start
