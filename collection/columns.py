"""From a batch of records to columns of log events by a mapping. Pure: no file, no database, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from collection.events import (
    CONTENT_FIELDS,
    ENUMERATIONS,
    JSON_FIELDS,
    MAX_TEXT_BYTES,
    REQUIRED_FIELDS,
    TEXT_FIELDS,
    TIME_FIELDS,
    fingerprints,
    microseconds,
)
from collection.expressions import (
    Constant,
    Field,
    Hash,
    Path,
    Record,
    SameAs,
    Session,
    Timestamp,
    consumed_paths,
    digest_id,
    evaluate,
    named_paths,
    remove,
    text,
    values_at,
)
from collection.mapping import Mapping
from collection.records import Fault, dump, dump_all
from collection.times import parse_times

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = 86_400 * 10**6


@dataclass(slots=True)
class SessionState:
    """The last time and the session of every key seen so far in one file; grows with keys, not with records."""

    last: dict[tuple[Any, ...], tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows:
    """Log events as columns; a field that is the same for all is in `constants` only.

    `positions` are the rows' positions in the records given; the other records have a fault.
    """

    positions: Sequence[int]
    columns: dict[str, list[Any]]
    constants: dict[str, Any]
    faults: dict[int, Fault]

    def column(self, name: str) -> list[Any]:
        """A field's value of every row, constant or not."""
        values = self.columns.get(name)
        return [self.constants[name]] * len(self.positions) if values is None else values

    def take(self, kept: Sequence[int]) -> Rows:
        """Only the rows at these indexes."""
        columns = {name: [values[i] for i in kept] for name, values in self.columns.items()}
        return Rows([self.positions[i] for i in kept], columns, self.constants, self.faults)

    def arrow(self) -> pa.Table:
        """The columns as an Arrow table of texts and one date; times are ISO 8601 in UTC, fingerprints hexadecimal."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        moments = np.array(self.columns["created_at"], dtype=np.int64)
        table = {
            name: pa.array(values, pa.string())
            for name, values in self.columns.items()
            if name not in (*TIME_FIELDS, "fingerprint")
        }
        table["fingerprint"] = pa.array(["\\x" + value.hex() for value in self.columns["fingerprint"]], pa.string())
        for name, value in self.constants.items():
            table[name] = pa.repeat(pa.scalar(value, pa.string()), len(moments))
        for name in TIME_FIELDS:
            if name in self.columns:
                times = pa.array(self.columns[name], pa.int64()).cast(pa.timestamp("us")).cast(pa.string())
                table[name] = pc.binary_join_element_wise(times, "Z", "")
        table["event_day"] = pa.array((moments // _DAY).astype(np.int32)).cast(pa.date32())
        return pa.table(table)


def arrange(records: list[Record], mapping: Mapping, sessions: SessionState, *, now: datetime) -> Rows:
    """Map records to events. The records are used up: what no field carries over is moved into `data`."""
    faults: dict[int, Fault] = {}
    constants, columns = _extracted(records, mapping, faults)
    columns["created_at"] = _times("created_at", columns, mapping, faults, now)
    if "received_at" in mapping.fields:
        columns["received_at"] = _receipts(columns, mapping, faults, now)
    for name in TEXT_FIELDS:
        if name in columns:
            columns[name] = _clean(name, columns[name], _pointer(mapping, name), faults)
    columns["data"] = _payloads(records, mapping)
    for name in JSON_FIELDS:
        if name in columns:
            columns[name] = _json_texts(name, columns[name], faults)
    rows = Rows(range(len(records)), columns, constants, faults)
    if faults:
        rows = rows.take([i for i in range(len(records)) if i not in faults])
    return _completed(rows, mapping, sessions)


def _extracted(
    records: list[Record], mapping: Mapping, faults: dict[int, Fault]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Constant fields, and the values of the others. Hashes come first: later steps take fields out of the records."""
    constants: dict[str, Any] = {"metadata": "{}"} | dict.fromkeys((*TEXT_FIELDS, "client_info"))
    columns: dict[str, list[Any]] = {}
    once = mapping.read_once()
    for name, expression in sorted(mapping.fields.items(), key=lambda item: not isinstance(item[1], Hash)):
        if isinstance(expression, Constant) and name != "created_at":
            constants[name] = dump(expression.value).decode() if name in JSON_FIELDS else expression.value
            continue
        constants.pop(name, None)
        if isinstance(expression, Field | Timestamp) and expression.path in once:
            key = expression.path[0]
            columns[name] = [record.pop(key, None) for record in records]
        else:
            columns[name], found = evaluate(expression, records)
            _note(faults, found, _pointer(mapping, name))
    return constants, columns


def _completed(rows: Rows, mapping: Mapping, sessions: SessionState) -> Rows:
    """Fingerprint first: a session id derived from neighbours is no content of the event itself."""
    session = mapping.fields.get("session_id")
    rows.columns["fingerprint"] = fingerprints([rows.column(name) for name in CONTENT_FIELDS])
    if isinstance(session, Session):
        rows.columns["session_id"] = _sessions(session, rows, mapping.source, sessions)
    return rows


def _times(
    name: str, columns: dict[str, list[Any]], mapping: Mapping, faults: dict[int, Fault], now: datetime
) -> list[int]:
    expression = mapping.fields[name]
    stamp = expression if isinstance(expression, Timestamp) else Timestamp(())
    path = _pointer(mapping, name)
    times, found = parse_times(columns[name], format=stamp.format, unit=stamp.unit, path=path, now=now, name=name)
    if name == "received_at":
        found = {i: fault for i, fault in found.items() if fault.code != "missing_timestamp"}
    _note(faults, found, path)
    return times


def _receipts(columns: dict[str, list[Any]], mapping: Mapping, faults: dict[int, Fault], now: datetime) -> list[int]:
    """When the source got each event: never after the import (its clock is ahead), and then where it does not say."""
    latest = microseconds(now)
    if isinstance(mapping.fields["received_at"], SameAs):
        return [min(moment, latest) for moment in columns["created_at"]]
    stated = columns["received_at"]
    times = _times("received_at", columns, mapping, faults, now)
    return [
        latest if value is None or value == "" else min(moment, latest)
        for moment, value in zip(times, stated, strict=True)
    ]


def _clean(name: str, values: list[Any], path: str, faults: dict[int, Fault]) -> list[Any]:
    """Texts that the column can hold; everything else leaves a fault."""
    if not set(map(type, values)) <= {str, type(None)}:
        kinds = {i: type(v).__name__ for i, v in enumerate(values) if isinstance(v, dict | list)}
        _note(faults, {i: Fault("bad_type", path, f"a JSON {kind} where a text belongs") for i, kind in kinds.items()})
        values = [text(value) for value in values]
    if name in REQUIRED_FIELDS and (None in values or (name == "id" and "" in values)):
        code = "missing_id" if name == "id" else "missing_field"
        fault = Fault(code, path, f"no {name}: map it to a field that every record has, or to hash: or constant:")
        _note(faults, {i: fault for i, v in enumerate(values) if v is None or (name == "id" and not v)})
    allowed = ENUMERATIONS.get(name)
    if allowed and not set(values) <= {None, *allowed}:
        fault = Fault("bad_enumeration", path, f"{name} is none of {', '.join(allowed)}")
        _note(faults, {i: fault for i, v in enumerate(values) if v is not None and v not in allowed})
    texts = filter(None, values) if None in values else values
    if max(map(len, texts), default=0) > MAX_TEXT_BYTES // 4:
        fault = Fault("value_too_long", path, f"{name} has more than {MAX_TEXT_BYTES} bytes")
        _note(faults, {i: fault for i, v in enumerate(values) if v and len(v.encode()) > MAX_TEXT_BYTES})
    return values


def _payloads(records: list[Record], mapping: Mapping) -> list[Record]:
    """What no field carries over, with the data object merged flat into it."""
    consumed = {path for expression in mapping.fields.values() for path in consumed_paths(expression)}
    for path in consumed - mapping.read_once() - set(mapping.aliases):
        remove(path, records)
    name = mapping.data[-1]
    inners = values_at(mapping.data, records)
    for record, inner in zip(records, inners, strict=True):
        if type(inner) is dict and inner.keys().isdisjoint(record):
            remove(mapping.data, (record,)) if len(mapping.data) > 1 else record.pop(name)
            record.update(inner)
    return records


def _json_texts(name: str, values: list[Any], faults: dict[int, Fault]) -> list[str | None]:
    texts, found = dump_all(values)
    _note(faults, found, f"/{name}")
    if name == "data":
        return [text and text.decode() for text in texts]  # type: ignore[misc]
    absent = "{}" if name == "metadata" else None
    return [absent if v is None else t and t.decode() for v, t in zip(values, texts, strict=True)]  # type: ignore[misc]


def _sessions(expression: Session, rows: Rows, source: str, state: SessionState) -> list[str | None]:
    gap = round(expression.gap_minutes * 60 * 10**6)
    moments = rows.columns["created_at"]
    columns = [rows.column(name) for name in expression.by]
    sessions: list[str | None] = []
    for key, moment in zip(zip(*columns, strict=True), moments, strict=True):
        if None in key:
            sessions.append(None)
            continue
        last, session = state.last.get(key, (None, ""))
        if last is None or abs(moment - last) > gap:
            session = digest_id(dump([source, *key, moment]))
        state.last[key] = (moment, session)
        sessions.append(session)
    return sessions


def _note(faults: dict[int, Fault], found: dict[int, Fault], path: str | None = None) -> None:
    """The first fault of a record stays."""
    for position, fault in found.items():
        faults.setdefault(position, fault if fault.path else Fault(fault.code, path, fault.hint))


def _pointer(mapping: Mapping, name: str) -> str:
    """The mapped source field as a JSON pointer; the LogEvent field where none is mapped."""
    expression = mapping.fields.get(name)
    paths: Sequence[Path] = named_paths(expression) if expression else ()
    return "/" + "/".join(paths[0] if paths else (name,))
