"""From a mapping entry's YAML to an expression. The whole grammar is the docstring of `collection.mapping`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collection.errors import MappingError
from collection.expressions import (
    WHOLE_RECORD,
    Concat,
    Constant,
    Expression,
    Field,
    First,
    Hash,
    Path,
    SameAs,
    Session,
    Structure,
    Timestamp,
)

UNITS = ("s", "ms", "us", "ns")


def parse_path(value: Any, place: str) -> Path:
    """A dotted path or a JSON pointer (RFC 6901) as its steps."""
    if not isinstance(value, str) or not value.strip("./"):
        raise MappingError(f"{place}: a source field is a name, a dotted path or a JSON pointer")
    if value.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in value[1:].split("/"))
    return tuple(value.split("."))


def parse_expression(value: Any, place: str) -> Expression:
    """One entry of `fields:`. Raises MappingError naming the entry."""
    if isinstance(value, str):
        return Field(parse_path(value, place))
    if isinstance(value, dict):
        for name, parse in _FORMS.items():
            if name in value:
                return parse(value, place)
    raise MappingError(f"{place}: write a source field or one of {', '.join(_FORMS)}")


def _allow(entry: Any, place: str, *names: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise MappingError(f"{place}: write an object of {', '.join(names)}")
    unknown = sorted(str(name) for name in entry if name not in names)
    if unknown:
        raise MappingError(f"{place}: unknown entry {', '.join(unknown)}; known are {', '.join(names)}")
    return entry


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise MappingError(f"{place}: write a list with at least one entry")
    return value


def _field(entry: dict[str, Any], place: str) -> Expression:
    _allow(entry, place, "field", "optional")
    return Field(parse_path(entry["field"], place), bool(entry.get("optional", False)))


def _constant(entry: dict[str, Any], place: str) -> Expression:
    return Constant(_allow(entry, place, "constant")["constant"])


def _first(entry: dict[str, Any], place: str) -> Expression:
    return First(tuple(parse_path(p, place) for p in _list(_allow(entry, place, "first")["first"], place)))


def _timestamp(entry: dict[str, Any], place: str) -> Expression:
    inner = _allow(entry, place, "timestamp")["timestamp"]
    if isinstance(inner, str):
        inner = {"field": inner}
    inner = _allow(inner, f"{place}.timestamp", "field", "format", "unit")
    if inner.get("unit") not in (None, *UNITS):
        raise MappingError(f"{place}.timestamp: unit is one of {', '.join(UNITS)}")
    return Timestamp(parse_path(inner.get("field"), place), inner.get("format"), inner.get("unit"))


def _same_as(entry: dict[str, Any], place: str) -> Expression:
    name = _allow(entry, place, "same_as")["same_as"]
    if name != "created_at":
        raise MappingError(f"{place}.same_as: only created_at can be repeated")
    return SameAs(name)


def _concat(entry: dict[str, Any], place: str) -> Expression:
    _allow(entry, place, "concat", "separator")
    parts = tuple(
        str(_allow(part, place, "text")["text"]) if isinstance(part, dict) else parse_path(part, place)
        for part in _list(entry["concat"], place)
    )
    return Concat(parts, str(entry.get("separator", "")))


def _hash(entry: dict[str, Any], place: str) -> Expression:
    inner = _allow(entry, place, "hash")["hash"]
    if inner in (WHOLE_RECORD, [WHOLE_RECORD]):
        return Hash(None)
    return Hash(tuple(parse_path(path, place) for path in _list(inner, place)))


def _session(entry: dict[str, Any], place: str) -> Expression:
    inner = _allow(_allow(entry, place, "session")["session"], f"{place}.session", "gap_minutes", "by")
    gap, by = inner.get("gap_minutes"), inner.get("by")
    by = [by] if isinstance(by, str) else by
    if not isinstance(gap, int | float) or isinstance(gap, bool) or gap <= 0:
        raise MappingError(f"{place}.session: gap_minutes is a number above 0")
    return Session(float(gap), tuple(map(str, _list(by, f"{place}.session.by"))))


def _structure(entry: dict[str, Any], place: str) -> Expression:
    members = _allow(entry, place, "object")["object"]
    if not isinstance(members, dict) or not members:
        raise MappingError(f"{place}.object: name at least one member and its source field")
    return Structure(tuple((str(name), parse_path(path, place)) for name, path in members.items()))


_FORMS: dict[str, Callable[[dict[str, Any], str], Expression]] = {
    "field": _field,
    "constant": _constant,
    "first": _first,
    "timestamp": _timestamp,
    "same_as": _same_as,
    "concat": _concat,
    "hash": _hash,
    "session": _session,
    "object": _structure,
}
