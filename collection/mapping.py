"""The mapping from a file's records to log events, read from YAML.

    source: shop                       # constant; (source, id) recognises duplicates
    fields:                            # one entry per LogEvent field; all but `data` and the times as below
      id: {hash: "*"}                  # stable id of the whole record, or {hash: [order_no, line]}
      user_id: customer.id             # a source field: dotted path, or a JSON pointer (/customer/id)
      company_id: {field: tenant, optional: true}    # no mistake when no record has it
      event_type: {constant: order}
      component: {first: [module, page]}             # first that is not null
      action: {concat: [verb, {text: "_order"}], separator: ""}
      session_id: {session: {gap_minutes: 30, by: [user_id]}}   # by LogEvent fields, in file order
      client_info: {object: {ip: remote_addr, agent: user_agent}}
      created_at: {timestamp: {field: at, format: "%d.%m.%Y %H:%M", unit: ms}}   # format and unit are optional
      received_at: {same_as: created_at}           # when the source itself got the event; or a timestamp, as above
      data_classification: {constant: personal}      # non_personal | pseudonymized | personal | sensitive
      retention_policy: {constant: short_term}       # transient | short_term | medium_term | long_term
    data: payload                      # the field whose object is merged flat into `data`; default: data
    identity: {alias: anonymous_id}    # a field (or a list) with another id of the event's user: see docs/identities.md
    csv: {delimiter: ";"}              # only where the header does not show it
    consent: {purposes: [analytics], reason: "..."}  # handed on, as are classification: and training:

Everything that no field carries over goes to `data`; what only a hash reads stays there too. Where the merged object
and the record hold the same key, the object stays nested under its own name. Times without an offset are UTC.
Unstated, received_at is the time of import: features of a time before it will not know the event. Where a record lacks
it, that holds for its event; a time after the import becomes the import's.
Required: source, id, event_type, action, created_at, data_classification, retention_policy; event_source defaults to
the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from collection.errors import MappingError
from collection.events import ENUMERATIONS, EVENT_FIELDS, MAX_TEXT_BYTES, TEXT_FIELDS, TIME_FIELDS
from collection.expressions import (
    Constant,
    Expression,
    Field,
    First,
    Hash,
    SameAs,
    Session,
    Timestamp,
    named_paths,
)
from collection.grammar import parse_expression, parse_path

_SECTIONS = ("source", "fields", "data", "identity", "csv", "consent", "classification", "training")
_REQUIRED = ("id", "event_type", "action", "created_at", "data_classification", "retention_policy")
_NEVER_MAPPED = {"fingerprint": "computed", "imported_at": "the import's own time", "source": "a section of its own"}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. `digest` covers what shapes events, not consent, classification and training."""

    source: str
    fields: AnyMapping[str, Expression]
    data: tuple[str, ...] = ("data",)
    delimiter: str | None = None
    digest: str = ""
    consent: dict[str, Any] = field(default_factory=dict)
    classification: list[Any] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)
    aliases: tuple[tuple[str, ...], ...] = ()

    def alias_places(self) -> list[list[str]]:
        """Where in a stored event's data an alias may be: what is inside the merged object lies at the top."""
        inner = [path[len(self.data) :] for path in self.aliases if path[: len(self.data)] == self.data]
        return [list(path) for path in (*self.aliases, *inner) if path]

    def missing_in(self, names: set[tuple[str, ...]]) -> list[str]:
        """Source fields (as pointers) the mapping needs that are not among the paths seen in the file."""
        missing = []
        for expression in self.fields.values():
            absent = [path for path in named_paths(expression) if path not in names]
            if isinstance(expression, First) and len(absent) < len(expression.paths):
                continue
            if not getattr(expression, "optional", False):
                missing += ["/".join(("", *path)) for path in absent]
        return sorted(set(missing))

    def read_once(self) -> frozenset[tuple[str, ...]]:
        """Top-level source fields that exactly one expression reads: they can be taken out while being read."""
        kinds = [e for e in self.fields.values() if not isinstance(e, Hash)]
        roots = Counter(path[0] for expression in kinds for path in named_paths(expression))
        roots.update([self.data[0], *(path[0] for path in self.aliases)])
        singles = (e.path for e in kinds if isinstance(e, Field | Timestamp))
        return frozenset(path for path in singles if len(path) == 1 and roots[path[0]] == 1)

    def paths(self) -> set[tuple[str, ...]]:
        """Every source field the mapping names."""
        return {path for expression in self.fields.values() for path in named_paths(expression)}


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file. Raises MappingError naming the file and the entry."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"mapping {path} cannot be read ({type(error).__name__}): name a UTF-8 file") from None
    return parse_mapping(text, name=str(path))


def parse_mapping(text: str, *, name: str = "mapping") -> Mapping:
    """A mapping from YAML text; `name` is how messages call it. Raises MappingError."""
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise MappingError(f"{name} is not YAML{place}: correct it") from None
    try:
        return _checked(document)
    except MappingError as error:
        raise MappingError(f"{name}: {error}") from None


def _checked(document: Any) -> Mapping:
    if not isinstance(document, dict):
        raise MappingError("it is no YAML object: start with source: and fields:")
    _only_known(document, _SECTIONS, "section")
    source = document.get("source")
    if not isinstance(source, str) or not source:
        raise MappingError("source: is missing: name where the records come from, for example source: shop")
    fields = _fields(document.get("fields"), source)
    data = parse_path(document.get("data", "data"), "data")
    delimiter = (document.get("csv") or {}).get("delimiter")
    aliases = _aliases(document)
    shape = repr((source, sorted((name, repr(value)) for name, value in fields.items()), data, delimiter, *aliases))
    return Mapping(
        source,
        fields,
        data,
        delimiter,
        sha256(shape.encode()).hexdigest(),
        _section(document, "consent", dict),
        _section(document, "classification", list),
        _section(document, "training", dict),
        aliases,
    )


def _aliases(document: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    section = _section(document, "identity", dict)
    if not section:
        return ()
    _only_known(section, ("alias",), "entry of identity:")
    named = section.get("alias")
    paths = named if isinstance(named, list) else [named]
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise MappingError("identity.alias: name the source field of the other id, or a list of such fields")
    return tuple(parse_path(path, "identity.alias") for path in paths)


def _section(document: dict[str, Any], name: str, kind: type) -> Any:
    value = document.get(name)
    if value is not None and not isinstance(value, kind):
        raise MappingError(f"{name}: must be a YAML {'list' if kind is list else 'object'}")
    return value if value is not None else kind()


def _only_known(entries: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    unknown = sorted(str(name) for name in entries if name not in known)
    if unknown:
        raise MappingError(f"unknown {what} {', '.join(unknown)}: known are {', '.join(known)}")


def _fields(entries: Any, source: str) -> dict[str, Expression]:
    if not isinstance(entries, dict):
        raise MappingError("fields: is missing: map at least " + ", ".join(_REQUIRED))
    for name, reason in _NEVER_MAPPED.items():
        if name in entries:
            raise MappingError(f"fields.{name} cannot be mapped: it is {reason}")
    if "data" in entries:
        raise MappingError("fields.data cannot be mapped: unmapped fields go there; name an object to merge by data:")
    _only_known(entries, tuple(name for name in EVENT_FIELDS if name != "data"), "LogEvent field")
    fields = {name: parse_expression(value, f"fields.{name}") for name, value in entries.items()}
    fields.setdefault("event_source", Constant(source))
    missing = [name for name in _REQUIRED if name not in fields]
    if missing:
        raise MappingError(f"fields: misses {', '.join(missing)}: map each, a constant will do")
    for name, expression in fields.items():
        _check(name, expression)
    return fields


def _check(name: str, expression: Expression) -> None:
    if isinstance(expression, Timestamp | SameAs) and name not in TIME_FIELDS:
        raise MappingError(f"fields.{name}: only created_at and received_at are times")
    if name == "received_at" and not isinstance(expression, Field | Timestamp | SameAs):
        raise MappingError("fields.received_at: write a source field, a timestamp: or {same_as: created_at}")
    if name == "created_at" and isinstance(expression, SameAs):
        raise MappingError("fields.created_at: it cannot repeat itself; name the source field")
    if isinstance(expression, Session):
        unknown = [by for by in expression.by if by not in TEXT_FIELDS or by == "session_id"]
        if name != "session_id" or unknown:
            raise MappingError(f"fields.{name}: session: belongs to session_id, by: names LogEvent text fields")
    if isinstance(expression, Constant) and name in TEXT_FIELDS:
        _check_constant(name, expression.value)


def _check_constant(name: str, value: Any) -> None:
    allowed = ENUMERATIONS.get(name)
    if not isinstance(value, str) or not value or "\x00" in value or len(value.encode()) > MAX_TEXT_BYTES:
        raise MappingError(f"fields.{name}: a constant is a text of at most {MAX_TEXT_BYTES} bytes: quote it")
    if allowed and value not in allowed:
        raise MappingError(f"fields.{name}: the constant is none of {', '.join(allowed)}")
