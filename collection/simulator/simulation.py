"""One simulated product log: events, consents and the truth behind them. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time

import numpy as np
import pyarrow as pa

from collection.simulator.canaries import CanaryToken, field_tokens
from collection.simulator.consents import make_consents
from collection.simulator.population import SEGMENTS, Flags, Floats, Ints, Population, make_population
from collection.simulator.rendering import persona_ids, render_block, user_ids
from collection.simulator.specification import SimulationSpec
from collection.simulator.turns import with_rare_events
from collection.simulator.workflows import DAY_US, Timeline, make_timeline

BLOCK = 500_000


@dataclass(frozen=True, slots=True)
class Truth:
    """What the simulator knows about its users [U]; W weeks. Users without events are included."""

    user_id: pa.StringArray  # [U]
    segment: pa.StringArray  # [U]
    hazard: Floats  # [U, W] chance to leave for good in that week
    joined_week: Ints  # [U] negative: before the log
    left_week: Ints  # [U] W: stayed
    is_fraud: Flags  # [U]
    is_canary: Flags  # [U]


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated log in order of time, the decisions on consent, the truth, and the planted canary tokens."""

    events: pa.Table
    consents: pa.Table
    truth: Truth
    canary_tokens: tuple[CanaryToken, ...]


def simulate(spec: SimulationSpec) -> Simulation:
    """Simulate a product log; the same spec gives the same bytes."""
    streams = [np.random.Generator(np.random.PCG64(seed)) for seed in np.random.SeedSequence(spec.seed).spawn(6)]
    people = make_population(spec, streams[0])
    timeline = with_rare_events(spec, make_timeline(spec, people, streams[1]), people, streams[4])
    starts = range(0, spec.n_events, BLOCK)
    blocks = [
        render_block(spec, people, timeline, range(at, min(at + BLOCK, spec.n_events)), (streams[2], streams[5]))
        for at in starts
    ]
    ids = user_ids(np.arange(people.n_users), spec.seed)
    return Simulation(
        events=pa.concat_tables(blocks),
        consents=_consents(spec, people, timeline, ids, streams[3]),
        truth=_truth(people, ids),
        canary_tokens=_tokens(spec, people, ids),
    )


def _consents(
    spec: SimulationSpec, people: Population, timeline: Timeline, ids: pa.StringArray, rng: np.random.Generator
) -> pa.Table:
    """Decisions of the users who have events."""
    midnight = int(datetime.combine(spec.start_on, time(), UTC).timestamp()) * 1_000_000
    users, first = np.unique(timeline.user, return_index=True)
    users, first = users[users >= 0], first[users >= 0]
    end = midnight + spec.n_days * DAY_US
    return make_consents(ids.take(pa.array(users)), timeline.at_us[first] + midnight, end, people.is_canary[users], rng)


def _truth(people: Population, ids: pa.StringArray) -> Truth:
    return Truth(
        user_id=ids,
        segment=pa.array(SEGMENTS).take(pa.array(people.company_segment[people.company])),
        hazard=people.hazard,
        joined_week=people.joined_week,
        left_week=people.left_week,
        is_fraud=people.is_fraud,
        is_canary=people.is_canary,
    )


def _tokens(spec: SimulationSpec, people: Population, ids: pa.StringArray) -> tuple[CanaryToken, ...]:
    if spec.canaries is None:
        return ()
    canaries = np.flatnonzero(people.is_canary)
    named = {"user_id": ids.take(pa.array(canaries)), "persona_id": persona_ids(canaries, spec.seed)}
    identities = [
        CanaryToken(str(token), field, "pseudonymized") for field, tokens in named.items() for token in tokens
    ]
    return (*identities, *field_tokens())
