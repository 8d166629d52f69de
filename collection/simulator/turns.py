"""Ordinary events that become rare ones: a click that asks for access, a payment that fails, a service that is down."""

from __future__ import annotations

import numpy as np

from collection.simulator.figures import incident_ms
from collection.simulator.kinds import STATE
from collection.simulator.population import Ints, Population
from collection.simulator.rare_kinds import TURNS
from collection.simulator.specification import SimulationSpec
from collection.simulator.workflows import DAY_US, Timeline

INCIDENTS_A_DAY = 0.15


def with_rare_events(
    spec: SimulationSpec, timeline: Timeline, people: Population, rng: np.random.Generator
) -> Timeline:
    """The timeline with some of its events turned into rare kinds; its length stays, canaries keep their tour."""
    kind = _turned(timeline, people, rng)
    return _with_incidents(spec, Timeline(kind, timeline.user, timeline.session, timeline.at_us), rng)


def _turned(timeline: Timeline, people: Population, rng: np.random.Generator) -> Ints:
    kind, draws = timeline.kind.copy(), rng.random(len(timeline.kind))
    is_somebody = (timeline.user >= 0) & ~people.is_canary[timeline.user]
    is_fraud = people.is_fraud[timeline.user]
    low = np.zeros(len(kind))
    for before, after, share, of_fraud in TURNS:
        is_before = is_somebody & (timeline.kind == STATE[before])
        high = low + np.where(is_fraud, of_fraud, share) * is_before
        kind[is_before & (draws >= low) & (draws < high)] = STATE[after]
        low = high
    return kind


def _with_incidents(spec: SimulationSpec, timeline: Timeline, rng: np.random.Generator) -> Timeline:
    """Pairs of metrics become the start and the end of an incident; the pair shares a number beyond all sessions."""
    metrics = np.flatnonzero(timeline.kind == STATE["metrics"])
    n = min(round(INCIDENTS_A_DAY * spec.n_days), len(metrics) // 4)
    chosen = rng.permutation(metrics)[: 2 * n]
    start, end = np.sort(chosen[:n]), chosen[n:]
    number = timeline.session.max() + 1 + np.arange(n)
    kind, session, at = timeline.kind.copy(), timeline.session.copy(), timeline.at_us.copy()
    over = at[start] + (incident_ms(number) * 1000).astype(np.int64)
    is_over = over < spec.n_days * DAY_US
    start, end, number, over = start[is_over], end[is_over], number[is_over], over[is_over]
    kind[start], kind[end] = STATE["incident_start"], STATE["incident_end"]
    session[start], session[end], at[end] = number, number, over
    order = np.argsort(at, kind="stable")
    return Timeline(kind[order], timeline.user[order], session[order], at[order])
