"""What a mapping can say about one field, each evaluated over a whole batch of records at once. No YAML here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from collection.records import ExactNumber, Fault, dump_all

Path = tuple[str, ...]
Record = dict[str, Any]
WHOLE_RECORD = "*"
ID_DIGITS = 32  # hexadecimal digits of a hashed id: 128 bits, no collision to expect below 10^18 records


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a source field; with `optional`, records that all lack it are no mistake."""

    path: Path
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for every record."""

    value: Any


@dataclass(frozen=True, slots=True)
class First:
    """The first of several fields that is present and not null."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A time: ISO 8601 by default, a strptime format, or a number of s, ms, us or ns since 1970."""

    path: Path
    format: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class SameAs:
    """The time that another LogEvent field holds."""

    name: str


@dataclass(frozen=True, slots=True)
class Concat:
    """Texts of fields and literals joined; null when any field is null."""

    parts: tuple[Path | str, ...]
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Hash:
    """A stable id: SHA-256 of the named fields, or of the whole record, in a canonical form."""

    paths: tuple[Path, ...] | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session id by inactivity: a new one when the records of one key, in file order, lie further apart."""

    gap_minutes: float
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """An object built of fields; absent ones are left out, and without any the result is null."""

    members: tuple[tuple[str, Path], ...]


Expression = Field | Constant | First | Timestamp | SameAs | Concat | Hash | Session | Structure


def named_paths(expression: Expression) -> tuple[Path, ...]:
    """Every source field an expression reads."""
    if isinstance(expression, Field | Timestamp):
        return (expression.path,)
    if isinstance(expression, First):
        return expression.paths
    if isinstance(expression, Concat):
        return tuple(part for part in expression.parts if isinstance(part, tuple))
    if isinstance(expression, Structure):
        return tuple(path for _, path in expression.members)
    return (expression.paths or ()) if isinstance(expression, Hash) else ()


def consumed_paths(expression: Expression) -> tuple[Path, ...]:
    """Source fields that an expression carries over, so that they need not go to `data` as well."""
    return () if isinstance(expression, Hash) else named_paths(expression)


def evaluate(expression: Expression, records: Sequence[Record]) -> tuple[list[Any], dict[int, Fault]]:
    """The expression's value for every record, and faults by position. Timestamps come back unparsed."""
    if isinstance(expression, Field | Timestamp):
        return values_at(expression.path, records), {}
    if isinstance(expression, Constant):
        return [expression.value] * len(records), {}
    if isinstance(expression, First):
        columns = [values_at(path, records) for path in expression.paths]
        return [next((v for v in row if v is not None), None) for row in zip(*columns, strict=True)], {}
    if isinstance(expression, Concat):
        return _concatenated(expression, records), {}
    if isinstance(expression, Structure):
        return _structures(expression, records), {}
    if isinstance(expression, Hash):
        return _hashes(expression, records)
    return [None] * len(records), {}


def values_at(path: Path, records: Sequence[Record]) -> list[Any]:
    """The value at a path of every record, None where it is absent."""
    name, *rest = path
    values = [record.get(name) for record in records]
    for step in rest:
        values = [value.get(step) if type(value) is dict else item_at(value, step) for value in values]
    return values


def item_at(value: Any, step: str) -> Any:
    """The item of an array that a JSON pointer's step names (RFC 6901: digits); None where there is none."""
    return value[int(step)] if type(value) is list and step.isdecimal() and int(step) < len(value) else None


def remove(path: Path, records: Sequence[Record]) -> None:
    """Take a path out of every record."""
    *parents, name = path
    if not parents:
        for record in records:
            record.pop(name, None)
        return
    for holder in values_at(tuple(parents), records):
        if type(holder) is dict:
            holder.pop(name, None)


def text(value: Any) -> str | None:
    """A scalar as text; None for null, arrays and objects."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value.text if isinstance(value, ExactNumber) else None


def digest_id(content: bytes) -> str:
    """The id made of canonical content."""
    return sha256(content).hexdigest()[:ID_DIGITS]


def _concatenated(expression: Concat, records: Sequence[Record]) -> list[Any]:
    columns: list[Sequence[str | None]] = [
        [part] * len(records) if isinstance(part, str) else [text(v) for v in values_at(part, records)]
        for part in expression.parts
    ]
    rows = zip(*columns, strict=True)
    return [None if None in row else expression.separator.join(map(str, row)) for row in rows]


def _structures(expression: Structure, records: Sequence[Record]) -> list[Any]:
    names = [name for name, _ in expression.members]
    columns = [values_at(path, records) for _, path in expression.members]
    rows = (zip(names, row, strict=True) for row in zip(*columns, strict=True))
    return [{name: value for name, value in row if value is not None} or None for row in rows]


def _hashes(expression: Hash, records: Sequence[Record]) -> tuple[list[Any], dict[int, Fault]]:
    inputs: Sequence[Any] = records
    if expression.paths is not None:
        inputs = list(zip(*(values_at(path, records) for path in expression.paths), strict=True))
        absent = {i for i, row in enumerate(inputs) if all(value is None for value in row)}
        texts, faults = dump_all(inputs)
        return [None if i in absent or t is None else digest_id(t) for i, t in enumerate(texts)], faults
    texts, faults = dump_all(inputs)
    return [None if text is None else sha256(text).hexdigest()[:ID_DIGITS] for text in texts], faults
