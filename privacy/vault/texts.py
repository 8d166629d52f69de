"""Texts that people confide to a product, sealed in their events before those are stored, and read again.

Which paths of which events is policy (AI_TEXTS); the import and the transform know nothing of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from privacy.vault.payloads import seal_paths, unseal_paths
from privacy.vault.subjects import DataKey

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

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

    def known_data_keys(self, subjects: Iterable[str]) -> dict[str, DataKey]:
        """The keys of those who have one."""


def seal_events(events: pa.Table, vault: DataKeys, *, rules: Sequence[TextRule] = AI_TEXTS) -> pa.Table:
    """Events with the texts at the rules' paths sealed; a table without such events is returned as it is.

    Needs the columns event_type, user_id, fingerprint (hexadecimal text after a backslash and an x) and JSON texts in
    data. The fingerprint of an event with a sealed text becomes an HMAC under the subject's key: the plain one would
    let anybody who has the archive try texts until one fits.
    """
    import pyarrow.compute as pc

    for rule in rules:
        if not len(rows := _rows_of(events, rule)):
            continue
        part = events.take(rows)
        subjects = pc.fill_null(part["user_id"], NOBODY)
        keys = vault.data_keys(pc.unique(subjects).to_pylist())
        columns = {name: seal_paths(part[name], subjects, _below(rule.paths, name), keys) for name in _named(rule)}
        columns["fingerprint"] = blind_fingerprints(part["fingerprint"], subjects, keys)
        events = _with(events, rows, columns)
    return events


def unseal_events(events: pa.Table, vault: DataKeys, *, rules: Sequence[TextRule] = AI_TEXTS) -> pa.Table:
    """Events with their sealed texts readable again; null where the key was destroyed. Fingerprints stay as they are.

    Raises VaultKeyMismatchError for a text that was changed, or moved from another person's event under their key.
    """
    import pyarrow.compute as pc

    for rule in rules:
        if not len(rows := _rows_of(events, rule)):
            continue
        part = events.take(rows)
        subjects = pc.fill_null(part["user_id"], NOBODY)
        keys = vault.known_data_keys(pc.unique(subjects).to_pylist())
        columns = {
            name: unseal_paths(part[name], subjects, _below(rule.paths, name), keys, forgotten_as_null=True)
            for name in _named(rule)
        }
        events = _with(events, rows, columns)
    return events


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
