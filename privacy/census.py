"""What an event holds that no rule names: an exact count per path from the shapes of a group. Values stay inside.

Every row brings a hash of the keys at each known object. Only distinct shapes are looked at, and below an unknown key
the structure is read in SQL for the rows that have it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from privacy.plan import Plan, json_paths, literal, object_nodes
from privacy.policy import ROOTS, Node

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

MAX_KEYS = 64  # more unknown keys at one object: it is a map, listed as '*'
# A key can be somebody's address or number: only keys that look like field names are written down.
FIELD_NAME = re.compile(r"(?!.*\d{5})[A-Za-z_$.][\w$.:-]{0,63}", re.ASCII)
UNSAFE_KEY = "?"


@dataclass(slots=True)
class Census:
    """Counts per event day (days since 1970): unknown paths, dropped paths, wrong types; and rows with an unknown path."""

    unknown: Counter[tuple[int, str]] = field(default_factory=Counter)
    present: Counter[tuple[int, str]] = field(default_factory=Counter)
    mismatched: Counter[tuple[int, str]] = field(default_factory=Counter)
    with_unknown: Counter[int] = field(default_factory=Counter)


def take_census(
    connection: duckdb.DuckDBPyConnection, plan: Plan, result: pa.Table, days: npt.NDArray[np.int32]
) -> Census:
    """Count a group; `batch` on the connection holds its rows, result and days their plan columns and days."""
    import numpy as np

    census = Census()
    _count_bits(census, plan, result, days)
    has_unknown = np.zeros(len(days), dtype=np.bool_)
    for root in ROOTS:
        column = f"h_{root}"
        if column in result.column_names and result[column].null_count < len(days):
            shapes = result[column].fill_null(0).to_numpy()
            has_unknown |= _count_root(connection, census, root, plan, shapes, days)
    _add(census.with_unknown, days[has_unknown])
    return census


def _count_bits(census: Census, plan: Plan, result: pa.Table, days: npt.NDArray[np.int32]) -> None:
    import numpy as np

    for column in range(plan.n_bit_columns):
        bits = result[f"bits{column}"].to_numpy()
        if not bits.any():
            continue
        for i, pointer in enumerate(plan.bit_pointers[column * 62 : (column + 1) * 62]):
            _add(census.mismatched, days[(bits >> np.int64(i)) & 1 == 1], pointer)


def _count_root(
    connection: duckdb.DuckDBPyConnection, census: Census, root: str, plan: Plan,
    shapes: npt.NDArray[np.uint64], days: npt.NDArray[np.int32],
) -> npt.NDArray[np.bool_]:
    """Count one root; returns which rows hold an unknown path in it."""
    import numpy as np

    distinct, first, inverse = np.unique(shapes, return_index=True, return_inverse=True)
    keys = _keys_of(connection, root, plan.trees[root], first)
    unknown: dict[tuple[str, str], dict[str, list[int]]] = {}
    doubtful: dict[tuple[str, str], list[int]] = {}
    for shape in range(len(distinct)):
        for (path, node), found in zip(object_nodes(plan.trees[root]), keys[shape], strict=True):
            for key in found or ():
                if key not in node.children:
                    unknown.setdefault((path, node.pointer), {}).setdefault(key, []).append(shape)
                elif (child := node.children[key]).pointer in plan.dropped or not child.is_object:
                    if child.pointer in plan.dropped:
                        _add(census.present, days[inverse == shape], child.pointer)
            if not found and shapes[first[shape]]:
                doubtful.setdefault((path, node.pointer), []).append(shape)
    for (path, pointer), at in doubtful.items():
        _count_not_objects(connection, census, root, path, pointer, np.isin(inverse, at), days)
    has_unknown = np.zeros(len(days), dtype=np.bool_)
    for (path, pointer), by_key in unknown.items():
        rows = {key: np.isin(inverse, at) for key, at in by_key.items()}
        for mask in rows.values():
            has_unknown |= mask
        _count_unknown(connection, census, root, path, pointer, rows, days)
    return has_unknown


def _keys_of(
    connection: duckdb.DuckDBPyConnection, root: str, tree: Node, rows: npt.NDArray[np.int64]
) -> list[list[list[str] | None]]:
    import pyarrow as pa

    connection.register("representatives", pa.table({"position": rows}))
    found = connection.execute(
        f"select json_keys({root}, {json_paths(tree)}) from representatives join numbered using (position) order by position"
    ).fetchall()
    order = sorted(range(len(rows)), key=lambda i: int(rows[i]))
    keys: list[list[list[str] | None]] = [[] for _ in rows]
    for position, (row,) in zip(order, found, strict=True):
        keys[position] = row or [None for _ in object_nodes(tree)]
    return keys


def _count_not_objects(
    connection: duckdb.DuckDBPyConnection, census: Census, root: str, path: str, pointer: str,
    rows: npt.NDArray[np.bool_], days: npt.NDArray[np.int32],
) -> None:
    """A known object without keys may be a scalar or an array in its place: those rows lose it, so count them."""
    kinds = _query(
        connection, rows, f"json_type({root}, {literal(path)}) as kind", "kind not in ('OBJECT', 'NULL')"
    )
    for at, _ in kinds:
        census.mismatched[int(days[at]), pointer] += 1


def _count_unknown(
    connection: duckdb.DuckDBPyConnection, census: Census, root: str, path: str, pointer: str,
    rows: dict[str, npt.NDArray[np.bool_]], days: npt.NDArray[np.int32],
) -> None:
    import numpy as np

    if len(rows) > MAX_KEYS:
        _add(census.unknown, days[np.logical_or.reduce(list(rows.values()))], f"{pointer}/*")
        return
    counted: dict[str, npt.NDArray[np.bool_]] = {}
    for key, mask in rows.items():
        if '"' in key or "\\" in key:
            place = f"{pointer}/{UNSAFE_KEY}"
            counted[place] = counted.get(place, False) | mask
            continue
        for suffix, at in _structure(connection, root, f'{path}."{key}"', mask):
            place = f"{pointer}/{segment(key)}{suffix}"
            counted[place] = counted.get(place, False) | at
    for place, at in counted.items():
        _add(census.unknown, days[at], place)


def _structure(
    connection: duckdb.DuckDBPyConnection, root: str, path: str, rows: npt.NDArray[np.bool_]
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """The leaf paths below an unknown key with the rows that have them; a scalar is a leaf itself (suffix '')."""
    import numpy as np

    containers: dict[str, list[int]] = {}
    for at, structure in _query(
        connection, rows, f"json_structure(json_extract({root}, {literal(path)}))::varchar as structure",
        "structure[1] in ('{', '[') or structure = '\"JSON\"'",
    ):
        containers.setdefault(structure, []).append(at)
    scalars = rows.copy()
    for structure, positions in containers.items():
        scalars[positions] = False
        at = np.zeros(len(rows), dtype=np.bool_)
        at[positions] = True
        for suffix in _leaves(structure):
            yield suffix, at
    if scalars.any():
        yield "", scalars


def _leaves(structure: str) -> set[str]:
    try:
        return set(_walk(json.loads(structure)))
    except (RecursionError, ValueError):
        return {"/*"}


def _walk(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if len(node) > MAX_KEYS:
            yield "/*"
            return
        for key, child in node.items():
            yield from (f"/{segment(key)}{rest}" for rest in _walk(child))
    elif isinstance(node, list):
        yield from (f"/*{rest}" for item in node for rest in _walk(item))
    else:
        yield ""


def segment(key: str) -> str:
    """A key as a JSON pointer segment, or '?' when it does not look like a field name."""
    return key if FIELD_NAME.fullmatch(key) else UNSAFE_KEY


def _query(
    connection: duckdb.DuckDBPyConnection, rows: npt.NDArray[np.bool_], expression: str, condition: str
) -> list[tuple[int, str]]:
    import numpy as np
    import pyarrow as pa

    connection.register("chosen", pa.table({"position": np.flatnonzero(rows)}))
    return connection.execute(
        f"select * from (select position, {expression} from numbered join chosen using (position)) where {condition}"
    ).fetchall()


def _add(counter: Counter[object], days: npt.NDArray[np.int32], *key: str) -> None:  # type: ignore[type-arg]
    import numpy as np

    for day, n in zip(*np.unique(days, return_counts=True), strict=True):
        counter[(int(day), *key) if key else int(day)] += int(n)


def total(counters: Iterable[Counter[tuple[int, str]]]) -> Counter[tuple[int, str]]:
    result: Counter[tuple[int, str]] = Counter()
    for counter in counters:
        result.update(counter)
    return result
