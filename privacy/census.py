"""What an event holds that no rule names: an exact count per path from the shapes of a group. Values stay inside.

Rows whose keys are all known are told apart by counting (skeletons.py). Of the others only distinct shapes are looked
at, and below an unknown key the structure is read in SQL for the rows that have it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from privacy.arrays import one
from privacy.labels import is_telling
from privacy.plan import BITS, Plan, json_paths, object_nodes, star_objects
from privacy.policy import ROOTS, Node
from privacy.skeletons import rows_to_look_at
from privacy.values import literal

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

MAX_KEYS = 64  # more unknown keys at one object: it is a map, listed as '*'
# A key can be somebody's address or number: only keys that look like field names are written down.
FIELD_NAME = re.compile(r"[A-Za-z_$.][\w$.:-]{0,63}", re.ASCII)
UNSAFE_KEY = "?"


@dataclass(slots=True)
class Census:
    """Counts per (event day as days since 1970, path): unknown, dropped, of the wrong type; with_unknown: rows ('')."""

    unknown: Counter[tuple[int, str]] = field(default_factory=Counter)
    present: Counter[tuple[int, str]] = field(default_factory=Counter)
    mismatched: Counter[tuple[int, str]] = field(default_factory=Counter)
    with_unknown: Counter[tuple[int, str]] = field(default_factory=Counter)


def take_census(
    connection: duckdb.DuckDBPyConnection, plan: Plan, result: pa.Table, group: pa.Table, days: npt.NDArray[np.int32]
) -> Census:
    """Count a group of rows: result holds the plan's columns, group the JSON it ran over, days the event days."""
    import numpy as np
    import pyarrow as pa

    census = Census()
    _count_bits(census.mismatched, result, "bits", plan.bit_pointers, days)
    if not plan.with_census:
        return census
    _count_bits(census.present, result, "refused", plan.refused_pointers, days)
    has_unknown = np.zeros(len(days), dtype=np.bool_)
    for root in ROOTS:
        name = f"known_{root}"
        n_known = result[name].to_numpy() if name in result.column_names else None
        texts = one(group[root])
        rows = rows_to_look_at(texts, n_known)
        if len(rows):
            text = Text(connection, root, texts if len(rows) == len(days) else texts.take(pa.array(rows)))
            has_unknown[rows[_count_root(census, text, plan, days[rows])]] = True
        for path, node in star_objects(plan.trees[root]):
            has_unknown |= _count_in_items(census, Text(connection, root, texts), path, node, days)
    _add(census.with_unknown, days[has_unknown])
    return census


@dataclass(frozen=True, slots=True)
class Text:
    """One JSON column of a group, to be asked about few of its rows."""

    connection: duckdb.DuckDBPyConnection
    root: str
    column: pa.Array

    def shapes(self, tree: Node) -> pa.Array:
        """Per row a hash of the keys at every known object; 0 for rows that hold nothing."""
        import pyarrow as pa

        self.connection.register("chosen", pa.table({"doc": self.column}))
        keys = f"case when doc <> '{{}}' then hash(json_keys(doc, {json_paths(tree)})) else 0 end"
        return one(self.connection.sql(f"select {keys} as shape from chosen").to_arrow_table()["shape"])

    def ask(self, rows: npt.NDArray[np.int64], expression: str, condition: str = "true") -> list[tuple[int, Any]]:
        """(row, answer) for the given rows; the expression reads `doc`, the condition `answer`."""
        import pyarrow as pa

        at = pa.array(rows)
        self.connection.register("chosen", pa.table({"position": at, "doc": self.column.take(at)}))
        return self.connection.execute(
            f"select * from (select position, {expression} as answer from chosen) where {condition}"
        ).fetchall()


def _count_bits(
    counter: Counter[tuple[int, str]],
    result: pa.Table,
    name: str,
    pointers: tuple[str, ...],
    days: npt.NDArray[np.int32],
) -> None:
    import numpy as np

    for column in range(-(-len(pointers) // BITS)):
        bits = result[f"{name}{column}"].to_numpy()
        used = int(np.bitwise_or.reduce(bits, initial=0))
        for i, pointer in enumerate(pointers[column * BITS : (column + 1) * BITS]):
            if used >> i & 1:
                _add(counter, days[(bits >> np.int64(i)) & 1 == 1], pointer)


def _count_root(census: Census, text: Text, plan: Plan, days: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Count one root; returns which rows hold an unknown path in it."""
    import numpy as np

    tree = plan.trees[text.root]
    encoded = text.shapes(tree).dictionary_encode()  # hashing: a sort would cost as much as the rest of the census
    distinct, inverse = encoded.dictionary.to_numpy(), encoded.indices.to_numpy()
    first = np.zeros(len(distinct), dtype=np.int64)
    first[inverse[::-1]] = np.arange(len(inverse) - 1, -1, -1)
    keys = dict(text.ask(first, f"json_keys(doc, {json_paths(tree)})"))
    unknown: dict[tuple[str, str], dict[str, list[int]]] = {}
    has_unknown = np.zeros(len(days), dtype=np.bool_)
    for at, (path, node) in enumerate(object_nodes(tree)):
        empty = []
        for shape in np.flatnonzero(distinct):
            found = (keys[int(first[shape])] or [None] * (at + 1))[at] or ()
            if not found:
                empty.append(shape)
            for key in found:
                child = node.children.get(key)
                if child is None:
                    unknown.setdefault((path, node.pointer), {}).setdefault(key, []).append(int(shape))
        if empty:
            _count_not_objects(census, text, (path, node.pointer), np.flatnonzero(np.isin(inverse, empty)), days)
    for place, by_key in unknown.items():
        rows = {key: np.isin(inverse, at) for key, at in by_key.items()}
        has_unknown |= np.logical_or.reduce(list(rows.values()))
        _count_unknown(census, text, place, rows, days)
    return has_unknown


def _count_not_objects(
    census: Census, text: Text, place: tuple[str, str], rows: npt.NDArray[np.int64], days: npt.NDArray[np.int32]
) -> None:
    """A known object without keys may be a scalar or an array in its place: those rows lose it, so count them."""
    path, pointer = place
    for at, _ in text.ask(rows, f"json_type(doc, {literal(path)})", "answer not in ('OBJECT', 'NULL')"):
        census.mismatched[int(days[at]), pointer] += 1


def _count_unknown(
    census: Census,
    text: Text,
    place: tuple[str, str],
    rows: dict[str, npt.NDArray[np.bool_]],
    days: npt.NDArray[np.int32],
) -> None:
    import numpy as np

    path, pointer = place
    if len(rows) > MAX_KEYS:
        _add(census.unknown, days[np.logical_or.reduce(list(rows.values()))], f"{pointer}/*")
        return
    counted: dict[str, npt.NDArray[np.bool_]] = {}
    for key, mask in rows.items():
        quotable = '"' not in key and "\\" not in key  # else it cannot stand in a JSON path
        found = list(_structure(text, f'{path}."{key}"', mask)) if quotable else [("", mask)]
        for suffix, at in found:
            where = f"{pointer}/{segment(key)}{suffix}"
            counted[where] = counted.get(where, False) | at
    for where, at in counted.items():
        _add(census.unknown, days[at], where)


def _structure(text: Text, path: str, rows: npt.NDArray[np.bool_]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """The leaf paths below an unknown key with the rows that have them; a scalar is a leaf itself (suffix '')."""
    import numpy as np

    scalars = rows.copy()
    for structure, positions in _containers(text, path, np.flatnonzero(rows)).items():
        scalars[positions] = False
        at = np.zeros(len(rows), dtype=np.bool_)
        at[positions] = True
        for suffix in _leaves(structure, None):
            yield suffix, at
    if scalars.any():
        yield "", scalars


def _containers(text: Text, path: str, rows: npt.NDArray[np.int64]) -> dict[str, list[int]]:
    """Rows by the structure of the object or array they hold at a path."""
    containers: dict[str, list[int]] = {}
    expression = f"json_structure(json_extract(doc, {literal(path)}))::varchar"
    for at, structure in text.ask(rows, expression, "answer[1] in ('{', '[') or answer = '\"JSON\"'"):
        containers.setdefault(structure, []).append(at)
    return containers


def _count_in_items(
    census: Census, text: Text, path: str, node: Node, days: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """Unknown keys inside the items of a '*' place, which the shapes do not reach into."""
    import numpy as np

    has_unknown = np.zeros(len(days), dtype=np.bool_)
    counted: dict[str, npt.NDArray[np.bool_]] = {}
    for structure, positions in _containers(text, path, np.arange(len(days))).items():
        for suffix in _leaves(structure, node):
            at = counted.setdefault(f"{node.pointer}{suffix}", np.zeros(len(days), dtype=np.bool_))
            at[positions] = True
            has_unknown[positions] = True
    for where, at in counted.items():
        _add(census.unknown, days[at], where)
    return has_unknown


def _leaves(structure: str, known: Node | None) -> set[str]:
    """The leaf paths of a json_structure that the known node does not rule; all of them when there is none."""
    try:
        return set(_walk(json.loads(structure), known))
    except (RecursionError, ValueError):
        return {"/*"}


def _walk(found: object, known: Node | None) -> Iterator[str]:
    if known is not None and known.rule is not None:
        return
    if isinstance(found, dict):
        if len(found) > MAX_KEYS and (known is None or known.star is None):
            yield "/*"
            return
        for key, below in found.items():
            star = known is not None and known.star is not None
            child = known.children.get("*" if star else key) if known else None
            yield from (f"/{'*' if star else segment(key)}{rest}" for rest in _walk(below, child))
    elif isinstance(found, list):
        yield from (f"/*{rest}" for item in found for rest in _walk(item, known.star if known else None))
    elif known is None:
        yield ""


def segment(key: str) -> str:
    """A key as a JSON pointer segment, or '?' when it does not look like a field name."""
    return key if FIELD_NAME.fullmatch(key) and not is_telling(key) else UNSAFE_KEY


def _add(counter: Counter[tuple[int, str]], days: npt.NDArray[np.int32], path: str = "") -> None:
    import numpy as np

    for day, n in zip(*np.unique(days, return_counts=True), strict=True):
        counter[int(day), path] += int(n)
