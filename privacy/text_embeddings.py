"""Prompts and responses of events that may train models, as vectors beside their safe rows. Texts are open in memory.

Which events those are is read off the safe rows themselves: without a row for model_training there is no vector.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from privacy.arrays import one
from privacy.embeddings import DIMENSIONS, VERSION, embed
from privacy.event_ids import event_ids, hexadecimal
from privacy.policy import CompiledPolicy
from privacy.vault.payloads import PREFIX
from privacy.vault.texts import AI_TEXTS, DataKeys, TextRule, unseal_events

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import psycopg
    import pyarrow as pa

PURPOSE = "model_training"
KEY_PURPOSE = "embeddings"
ROWS_AT_ONCE = 4_096
NO_KEY = "no_key"
EVENT_TYPES = AI_TEXTS[0].event_types
PATHS: Mapping[str, tuple[str, ...]] = {
    "prompt": (
        "/data/prompt", "/data/prompt_text", "/data/input_text", "/data/gen_ai.prompt", "/data/messages/*/content"
    ),
    "response": (
        "/data/response", "/data/response_text", "/data/output_text", "/data/completion", "/data/gen_ai.completion"
    ),
}  # fmt: skip
OPENED = (TextRule(EVENT_TYPES, tuple(path for paths in PATHS.values() for path in paths)),)
Place = tuple[str, str]  # (kind, path)


class Keys(DataKeys, Protocol):
    """The part of a vault that this needs."""

    def purpose_key(self, purpose: str) -> bytes:
        """The key of a purpose."""


@dataclass(slots=True)
class Wanted:
    """Raw events whose texts may become vectors, their safe rows beside them, and the places ruled on by event type.

    lost: (event day, event type, path) -> texts whose key is gone, counted while `made` runs.
    """

    events: pa.Table
    safe: pa.Table
    places: dict[str, tuple[Place, ...]]
    lost: Counter[tuple[date, str, str]] = field(default_factory=Counter)

    def keys(self) -> tuple[list[str], list[str]]:
        """Event ids and kinds that may have a vector, whether or not their text is there still."""
        pairs = [
            (event_id, kind)
            for event_id, event_type in zip(
                self.safe["event_id"].to_pylist(), self.events["event_type"].to_pylist(), strict=True
            )
            for kind in sorted({kind for kind, _ in self.places[event_type]})
        ]
        return [event_id for event_id, _ in pairs], [kind for _, kind in pairs]


def wanted(batch: pa.Table, safe: pa.Table, policy: CompiledPolicy, key: bytes) -> Wanted | None:
    """The events of a batch whose texts may become vectors; None where no event type of it holds texts. Pure.

    safe: what the transform made of the batch; key: the one of its event ids.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    types = pc.unique(batch["event_type"]).to_pylist()
    places = {name: found for name in types if (found := _places(policy, name))}
    if not places or not safe.num_rows:
        return None
    is_chosen = pc.and_(pc.is_in(batch["event_type"], pa.array(list(places))), pc.is_valid(batch["user_id"]))
    events = batch.filter(is_chosen).combine_chunks()
    ids = hexadecimal(event_ids(key, one(events["source"]).dictionary_encode(), one(events["id"])))
    at = pc.index_in(ids, value_set=one(safe["event_id"]))
    rows = safe.take(pc.fill_null(at, 0))
    may_train = pc.match_substring(pc.binary_join(one(rows["purposes"]), ","), PURPOSE)
    may_train = pc.and_(pc.and_(may_train, at.is_valid()), pc.is_valid(one(rows["subject"])))
    events = events.select(["event_type", "user_id", "event_day", "data"]).filter(may_train)
    return Wanted(events.set_column(3, "data", one(events["data"]).cast(pa.string())), rows.filter(may_train), places)


def made(chosen: Wanted, keys: Keys) -> Iterator[tuple[pa.Table, list[Place]]]:
    """Rows of safe.text_embeddings, some thousand texts at a time, and (event id, kind) of what they replace."""
    for start in range(0, chosen.events.num_rows, ROWS_AT_ONCE):
        sealed, safe = (table.slice(start, ROWS_AT_ONCE) for table in (chosen.events, chosen.safe))
        found, gone = _read(chosen, sealed, unseal_events(sealed, keys, rules=OPENED))
        ids = safe["event_id"].to_pylist()
        replaced = [(ids[row], kind) for row, kind in (*((row, kind) for row, kind, _ in found), *gone)]
        yield _rows(safe, found, keys), replaced


def write_embeddings(conn: psycopg.Connection, days: Sequence[date], chosen: Wanted | None, keys: Keys) -> pa.Table:
    """Rewrite the vectors of event days; returns the rows of safe.exclusions for texts whose key is gone.

    A vector stays when its text is past its term while its event may still train models; all others are made anew.
    """
    from warehouse.arrow import copy_arrow

    has_old = _drop_unwanted(conn, days, chosen)
    for rows, replaced in made(chosen, keys) if chosen else ():
        if has_old:
            conn.execute(
                "delete from safe.text_embeddings as e using unnest(%s::text[], %s::text[]) as w (event_id, kind) "
                "where e.event_day = any(%s) and e.event_id = w.event_id and e.kind = w.kind",
                ([event_id for event_id, _ in replaced], [kind for _, kind in replaced], list(days)),
            )
        copy_arrow(conn, "safe.text_embeddings", rows)
    return _exclusions(chosen.lost if chosen else {})


def _drop_unwanted(conn: psycopg.Connection, days: Sequence[date], chosen: Wanted | None) -> bool:
    """Delete the vectors of events that may not have one now; whether the days had any."""
    found = conn.execute("select exists (select from safe.text_embeddings where event_day = any(%s))", (list(days),))
    row = found.fetchone()
    if not (row and row[0]):
        return False
    ids, kinds = chosen.keys() if chosen else ([], [])
    conn.execute(
        "delete from safe.text_embeddings as e where event_day = any(%s) and not exists (select from "
        "unnest(%s::text[], %s::text[]) as w (event_id, kind) where w.event_id = e.event_id and w.kind = e.kind)",
        (list(days), ids, kinds),
    )
    return True


def _exclusions(lost: Mapping[tuple[date, str, str], int]) -> pa.Table:
    import pyarrow as pa

    names = ("event_day", "reason", "event_type", "path", "n")
    found = [
        dict(zip(names, (day, NO_KEY, event_type, path, n), strict=True))
        for (day, event_type, path), n in sorted(lost.items())
    ]
    types = (pa.date32(), pa.string(), pa.string(), pa.string(), pa.int64())
    return pa.Table.from_pylist(found, pa.schema(list(zip(names, types, strict=True))))


def _places(policy: CompiledPolicy, event_type: str) -> tuple[Place, ...]:
    """Where an event type may hold texts: only where a steward has ruled, and did not rule a harmless class out."""
    if not re.fullmatch(EVENT_TYPES, event_type):
        return ()
    rules = {rule.path: rule for name in ("*", event_type) for rule in policy.by_type.get(name, ())}
    open_to = {path for path, rule in rules.items() if rule.klass == "sensitive" or rule.treatment != "drop"}
    return tuple((kind, path) for kind, paths in PATHS.items() for path in paths if path in open_to)


def _read(
    chosen: Wanted, sealed: pa.Table, opened: pa.Table
) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]]]:
    """(row, kind, text) of every text, and (row, kind) of those that nobody can open any more."""
    found, lost = [], []
    columns = (opened["event_type"], opened["event_day"], sealed["data"], opened["data"])
    for row, (event_type, day, before, text) in enumerate(zip(*(c.to_pylist() for c in columns), strict=True)):
        document = _parsed(text)
        was = _parsed(before) if before and PREFIX in before else {}
        for kind in PATHS:
            paths = [path for of, path in chosen.places[event_type] if of == kind]
            words = "\n".join(word for path in paths for word in _strings(document, path.split("/")[2:]))
            gone = [path for path in paths if any(_strings(was, path.split("/")[2:]))] if not words else []
            if words:
                found.append((row, kind, words))
            elif gone:
                lost.append((row, kind))
                chosen.lost[day, event_type, gone[0]] += 1
    return found, lost


def _parsed(text: str | None) -> Any:
    try:
        return orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:  # the kernel has excluded the event already
        return {}


def _strings(value: Any, keys: Sequence[str]) -> Iterator[str]:
    """Every string at a path, or below it; "*" is every item of a list or value of an object."""
    if keys and keys[0] != "*":
        if isinstance(value, dict) and keys[0] in value:
            yield from _strings(value[keys[0]], keys[1:])
    elif isinstance(value, str):
        yield from () if keys else (value,)
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item, keys[1:])


def _rows(safe: pa.Table, found: list[tuple[int, str, str]], keys: Keys) -> pa.Table:
    import pyarrow as pa

    vectors = embed([text for _, _, text in found], keys.purpose_key(KEY_PURPOSE)) if found else _nothing()
    is_said = (vectors != 0).any(axis=1)  # a text without a letter says nothing, and has no direction
    said = [place for place, is_kept in zip(found, is_said.tolist(), strict=True) if is_kept]
    own = safe.select(["event_id", "subject", "session", "event_day"]).take(
        pa.array([row for row, _, _ in said], "int64")
    )
    figures = pa.FixedSizeListArray.from_arrays(pa.array(vectors[is_said].ravel()), DIMENSIONS)
    return (
        own.append_column("kind", pa.array([kind for _, kind, _ in said], pa.string()))
        .append_column("version", pa.array([VERSION] * len(said), pa.int16()))
        .append_column("embedding", figures)
    )


def _nothing() -> npt.NDArray[np.float32]:
    import numpy as np

    return np.zeros((0, DIMENSIONS), np.float32)
