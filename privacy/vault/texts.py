"""Texts inside JSON payloads: the values at given paths of a batch sealed under their subjects' keys, and read again.

A sealed value is a JSON string that starts with "lethe:v1:". Whatever JSON stood there is inside: text, list or object.
Which paths of which events is policy (AI_TEXTS); the transform and the import know nothing of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from privacy.vault.fields import Owner, seal_all, unseal_all
from privacy.vault.subjects import DataKey

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PREFIX = "lethe:v1:"
NOBODY = ""  # texts of events without a user share one key: encrypted at rest, destroyed together
PAYLOADS = ("data", "metadata", "client_info")


@dataclass(frozen=True, slots=True)
class TextRule:
    """Paths whose values are sealed in events of some types; "*" is every item of a list or value of an object."""

    event_types: str  # a regular expression for the whole name
    paths: tuple[str, ...]


AI_TEXTS = (
    TextRule(
        r"(ai|llm|gen_ai|chat)([_.:/-].*)?",
        (
            "/data/prompt",
            "/data/prompt_text",
            "/data/input_text",
            "/data/gen_ai.prompt",
            "/data/response",
            "/data/response_text",
            "/data/output_text",
            "/data/completion",
            "/data/gen_ai.completion",
            "/data/messages/*/content",
            "/data/feedback_text",
        ),
    ),
)  # event types are disjoint: a text sealed twice would be read as one sealed once


class DataKeys(Protocol):
    """The part of a vault that sealing texts needs."""

    def data_keys(self, subjects: Iterable[str]) -> dict[str, DataKey]:
        """The key of every subject, made where there is none."""


def seal_events(events: pa.Table, vault: DataKeys, *, rules: Sequence[TextRule] = AI_TEXTS) -> pa.Table:
    """Events with the texts at the rules' paths sealed; a table without such events is returned as it is.

    Needs the columns event_type, user_id, fingerprint (hexadecimal text after a backslash and an x) and JSON texts in
    data. The fingerprint of an event with a sealed text becomes an HMAC under the subject's key: the plain one would
    let anybody who has the archive try texts until one fits.
    """
    import pyarrow.compute as pc

    for rule in rules:
        rows = _rows_of(events, rule)
        if not len(rows):
            continue
        part = events.take(rows)
        subjects = pc.fill_null(part["user_id"], NOBODY)
        keys = vault.data_keys(pc.unique(subjects).to_pylist())
        columns = {name: seal_paths(part[name], subjects, _below(rule.paths, name), keys) for name in _named(rule)}
        columns["fingerprint"] = blind_fingerprints(part["fingerprint"], subjects, keys)
        events = _with(events, rows, columns)
    return events


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


def blind_fingerprints(prints: pa.Array, subjects: pa.Array, keys: Mapping[str, DataKey]) -> pa.Array:
    """HMAC-SHA256 of each fingerprint under its subject's key: equal events stay equal while the key lives."""
    import pyarrow as pa

    pairs = zip(prints.to_pylist(), subjects.to_pylist(), strict=True)
    return pa.array(["\\x" + blind(bytes.fromhex(text[2:]), keys[subject]).hex() for text, subject in pairs])


def blind(fingerprint: bytes, key: DataKey) -> bytes:
    """The fingerprint of an event with sealed texts, as it is stored (32 bytes)."""
    return hmac.digest(key.secret, b"fingerprint\x00" + fingerprint, hashlib.sha256)


def _named(rule: TextRule) -> list[str]:
    return [name for name in PAYLOADS if _below(rule.paths, name)]


def _below(paths: Sequence[str], name: str) -> list[str]:
    return [path for path in paths if path.startswith(f"/{name}/")]


def _rows_of(events: pa.Table, rule: TextRule) -> np.ndarray:
    """The rows of the rule's event types with a path's first key in their text: the others need not be parsed."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    types = [name for name in pc.unique(events["event_type"]).to_pylist() if re.fullmatch(rule.event_types, name)]
    if not types:
        return np.zeros(0, np.int64)
    of_type = pc.is_in(events["event_type"], pa.array(types)).to_numpy()
    rows: np.ndarray = np.flatnonzero(of_type)
    may_hold = np.zeros(len(rows), bool)
    for name in _named(rule):
        texts = events[name].filter(pa.array(of_type))
        for key in {path.split("/")[2] for path in _below(rule.paths, name)}:
            may_hold |= pc.fill_null(pc.match_substring(texts, json.dumps(key)), False).to_numpy()
    return rows[may_hold]


def _with(events: pa.Table, rows: np.ndarray, columns: Mapping[str, pa.Array]) -> pa.Table:
    """The events with new values of some columns in some rows, which are ascending."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.zeros(events.num_rows, bool)
    mask[rows] = True
    for name, values in columns.items():
        merged = pc.replace_with_mask(events[name].combine_chunks(), pa.array(mask), values)
        events = events.set_column(events.schema.get_field_index(name), name, merged)
    return events


Place = tuple[Any, Any]  # a list or object, and the index or key of the value in it
Change = Callable[[list[Any], list[int], list[Owner]], list[Any]]


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
