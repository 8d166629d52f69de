"""Templates and columns to Arrow: a block of the timeline becomes a table of raw events. No randomness of its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collection.simulator import invented
from collection.simulator.canaries import column_tokens
from collection.simulator.columns import Rows
from collection.simulator.event_kind import Kind
from collection.simulator.kinds import KINDS
from collection.simulator.population import Ints, Population
from collection.simulator.specification import SimulationSpec
from collection.simulator.workflows import DAY_US, Timeline

EVENT_SCHEMA = pa.schema(
    [(name, pa.string()) for name in (
        "id", "user_id", "persona_id", "company_id", "event_type", "event_source", "component", "action", "data",
        "metadata", "data_classification", "retention_policy", "session_id", "client_info",
    )]
    + [("created_at", pa.timestamp("us", tz="UTC"))]
)  # fmt: skip


Streams = tuple[np.random.Generator, np.random.Generator]  # of `columns` and of `figures`


def render(template: str, rows: Rows) -> pa.StringArray:
    """The template once per event, its places filled from the columns."""
    parts = re.split(r"<(\w+)>", template)
    pieces = [rows.column(part) if number % 2 else part for number, part in enumerate(parts)]
    if len(pieces) == 1:
        return pa.repeat(pa.scalar(template), len(rows.user))
    return pc.binary_join_element_wise(*pieces, "")


def render_block(
    spec: SimulationSpec, people: Population, timeline: Timeline, span: range, streams: Streams
) -> pa.Table:
    """The events of the span of the timeline as a table of EVENT_SCHEMA."""
    start, stop = span.start, span.stop
    block = Timeline(*(values[start:stop] for values in _fields(timeline)))
    order = np.argsort(block.kind, kind="stable")
    bounds = np.searchsorted(block.kind[order], np.arange(len(KINDS) + 1))
    texts: dict[str, list[pa.Array]] = {"data": [], "metadata": [], "client_info": []}
    slowdown = _slowdown(spec, block)
    for kind, low, high in zip(KINDS, bounds[:-1], bounds[1:], strict=True):
        if low == high:
            continue
        chosen = order[low:high]
        tokens = column_tokens(kind.event_type) if spec.canaries else {}
        week = block.at_us[chosen] // (7 * DAY_US)
        rows = Rows(people, block.user[chosen], block.session[chosen], slowdown[chosen], week, *streams, tokens)
        templates = kind.templates()
        for name, found in texts.items():
            empty = pa.nulls(len(chosen), pa.string())
            found.append(render(templates[name], rows) if name in templates else empty)
    back = pa.array(np.argsort(order, kind="stable"))
    rendered = {name: pa.concat_arrays(found).take(back) for name, found in texts.items()}
    return _table(spec, people, block, np.arange(start, stop), rendered)


def _fields(timeline: Timeline) -> tuple[Ints, Ints, Ints, Ints]:
    return timeline.kind, timeline.user, timeline.session, timeline.at_us


def _slowdown(spec: SimulationSpec, block: Timeline) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if spec.drift is None:
        return np.ones(len(block.at_us))
    is_on = block.at_us >= (spec.drift.starts_on - spec.start_on).days * DAY_US
    return np.where(is_on, spec.drift.latency_factor, 1.0)


def user_ids(users: Ints, seed: int) -> pa.StringArray:
    """Opaque user ids."""
    return invented.hexadecimal(users + 1, 1_000_003 * seed + 1, "usr_")


def persona_ids(users: Ints, seed: int) -> pa.StringArray:
    """Opaque persona ids, one per user."""
    return invented.hexadecimal(users + 1, 1_000_003 * seed + 2, "prs_")


def _table(
    spec: SimulationSpec, people: Population, block: Timeline, number: Ints, texts: dict[str, pa.Array]
) -> pa.Table:
    nobody, salt = pa.array(block.user < 0), 1_000_003 * spec.seed
    every_user = np.arange(people.n_users)
    user = pa.array(np.where(block.user < 0, 0, block.user), mask=block.user < 0)
    session = invented.hexadecimal(block.session + 1, salt + 4, "ses_")
    midnight = int(datetime.combine(spec.start_on, time(), UTC).timestamp()) * 1_000_000
    columns = {
        "id": invented.hexadecimal(number, salt + 5, "evt_"),
        "user_id": user_ids(every_user, spec.seed).take(user),
        "persona_id": persona_ids(every_user, spec.seed).take(user),
        "company_id": invented.hexadecimal(people.company + 1, salt + 3, "cmp_").take(user),
        "session_id": pc.if_else(nobody, pa.scalar(None, pa.string()), session),
        "created_at": pa.array(block.at_us + midnight).cast(pa.timestamp("us", tz="UTC")),
    }
    columns |= {name: _labels(name, block.kind) for name in _LABELS}
    return pa.table(columns | texts).select(EVENT_SCHEMA.names).cast(EVENT_SCHEMA)


_LABELS = {
    "event_type": "event_type",
    "event_source": "event_source",
    "component": "component",
    "action": "action",
    "data_classification": "label",
    "retention_policy": "retention",
}


def _labels(name: str, kind: Ints) -> pa.StringArray:
    return pa.array([_label(each, _LABELS[name]) for each in KINDS]).take(pa.array(kind))


def _label(kind: Kind, attribute: str) -> str:
    return str(getattr(kind, attribute))
