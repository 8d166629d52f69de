"""JSON texts with the values at given paths sealed under their subjects' keys, and opened again. Pure; no rule is here.

A sealed value is a JSON string that starts with "lethe:v1:". Whatever JSON stood there is inside: text, list or object.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from privacy.vault.fields import Owner, seal_all, unseal_all
from privacy.vault.subjects import DataKey

if TYPE_CHECKING:
    import pyarrow as pa

PREFIX = "lethe:v1:"

Place = tuple[Any, Any]  # a list or object, and the index or key of the value in it
Change = Callable[[list[Any], list[int], list[Owner]], list[Any]]


def seal_paths(payloads: pa.Array, subjects: pa.Array, paths: Sequence[str], keys: Mapping[str, DataKey]) -> pa.Array:
    """JSON texts with the values at the paths (below the column's name) sealed; numbers keep every digit. Pure."""
    return _changed(payloads, subjects, paths, partial(_sealed, keys=keys), is_sealing=True)


def unseal_paths(
    payloads: pa.Array,
    subjects: pa.Array,
    paths: Sequence[str],
    keys: Mapping[str, DataKey],
    *,
    forgotten_as_null: bool = False,
) -> pa.Array:
    """JSON texts with sealed values at the paths opened; a value never sealed stays, one whose key is gone is null.

    Raises VaultKeyMismatchError for changed values, and ForgottenSubjectError unless those are to be null.
    """
    opened = partial(_opened, keys=keys, forgotten_as_null=forgotten_as_null)
    return _changed(payloads, subjects, paths, opened, is_sealing=False)


def _changed(
    payloads: pa.Array, subjects: pa.Array, paths: Sequence[str], change: Change, *, is_sealing: bool
) -> pa.Array:
    """Parse, collect the values of all rows, change them in one go, put them back."""
    import pyarrow as pa

    texts = payloads.to_pylist()
    values = [None if text is None else _parsed(text) for text in texts]
    ring: dict[Owner, int] = {}
    places: list[Place] = []
    owners: list[int] = []
    touched: set[int] = set()
    steps = [(path, path.split("/")[2:]) for path in paths]
    for row, (value, subject) in enumerate(zip(values, subjects.to_pylist(), strict=True)):
        members = value if type(value) is dict else ()
        for path, keys in steps:
            if keys[0] not in members and keys[0] != "*":
                continue
            for place in _places(value, keys):
                if is_sealing or _is_sealed(place[0][place[1]]):
                    places.append(place)
                    owners.append(ring.setdefault((subject, path), len(ring)))
                    touched.add(row)
    found = [container[key] for container, key in places]
    for (container, key), new in zip(places, change(found, owners, list(ring)), strict=True):
        container[key] = new
    return pa.array(
        [orjson.dumps(values[i]).decode() if i in touched else text for i, text in enumerate(texts)], pa.string()
    )


def _sealed(found: list[Any], owners: list[int], ring: list[Owner], *, keys: Mapping[str, DataKey]) -> list[str]:
    import numpy as np
    import pyarrow as pa

    plain = pa.array([orjson.dumps(value) for value in found], pa.large_binary())
    sealed = seal_all(plain, np.array(owners, np.int64), ring, keys)
    return [PREFIX + base64.b64encode(value).decode() for value in sealed.to_pylist()]


def _opened(
    found: list[str], owners: list[int], ring: list[Owner], *, keys: Mapping[str, DataKey], forgotten_as_null: bool
) -> list[Any]:
    import numpy as np
    import pyarrow as pa

    raw = pa.array([_decoded(text) for text in found], pa.large_binary())
    opened = unseal_all(raw, np.array(owners, np.int64), ring, keys, forgotten_as_null=forgotten_as_null)
    return [None if value is None else orjson.Fragment(value) for value in opened.to_pylist()]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text[len(PREFIX) :], validate=True)
    except ValueError:
        return b""  # no sealed value, which the caller finds


def _places(value: Any, keys: Sequence[str]) -> Iterator[Place]:
    """Where the values at a path are; nulls are no values."""
    key, rest = keys[0], keys[1:]
    if isinstance(value, dict):
        inner: Iterable[Any] = list(value) if key == "*" else [key] if key in value else []
    elif isinstance(value, list) and key == "*":
        inner = range(len(value))
    else:
        return
    for name in inner:
        if rest:
            yield from _places(value[name], rest)
        elif value[name] is not None:
            yield value, name


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(PREFIX)


def _parsed(text: str) -> Any:
    """JSON whose numbers are written back as they came: floats and large integers keep their own text."""
    value = orjson.loads(text)
    if orjson.dumps(value).decode() == text:
        return value
    return json.loads(text, parse_int=_verbatim, parse_float=_verbatim)


def _verbatim(text: str) -> orjson.Fragment:
    return orjson.Fragment(text)
