"""Proposes a mapping for a file from its first records, and says what it is unsure of. It never prints a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from collection.batches import Batch
from collection.errors import EmptyFileError
from collection.files import inspect_file
from collection.readers import read_batches

_SAMPLE = 1_000
# Names by preference; the first that the file has is proposed.
_NAMES = {
    "id": ("id", "event_id", "uuid", "message_id", "messageid", "insert_id", "log_id"),
    "user_id": ("user_id", "userid", "user", "uid", "customer_id", "customer", "distinct_id", "account_id"),
    "persona_id": ("persona_id", "persona"),
    "company_id": ("company_id", "company", "org_id", "organization_id", "organisation_id", "tenant_id", "tenant"),
    "event_type": ("event_type", "type", "category", "event_category", "se_category", "level"),
    "event_source": ("event_source", "platform", "channel"),
    "component": ("component", "module", "logger", "page"),
    "action": ("action", "event", "event_name", "name", "verb", "activity"),
    "session_id": ("session_id", "sessionid", "session", "domain_sessionid"),
    "created_at": ("created_at", "timestamp", "time", "ts", "event_time", "occurred_at", "derived_tstamp", "date"),
    "received_at": ("received_at", "collector_tstamp", "ingested_at", "server_time", "server_timestamp"),
    "data_classification": ("data_classification",),
    "retention_policy": ("retention_policy",),
    "metadata": ("metadata", "meta"),
    "client_info": ("client_info", "client", "device"),
}
_ALWAYS = ("id", "event_type", "action", "created_at", "data_classification", "retention_policy")
_UNITS = (("ns", 1e17), ("us", 1e14), ("ms", 1e11), ("s", 1e8))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A mapping to start from, as YAML, and what a person should check in it."""

    mapping_yaml_text: str
    doubts: list[str]


def suggest_mapping(path: Path) -> Suggestion:
    """Propose a mapping for a file. Raises the InputError that fits when the file cannot be read."""
    batch = next(read_batches(inspect_file(path)), None)
    records = [record for record in (batch.records if batch else []) if record is not None][:_SAMPLE]
    if batch is None or not records:
        raise EmptyFileError(f"{path} has no readable record at its start: nothing to suggest from")
    return propose(records, source=_source_name(path), names=_names(batch, records))


def propose(records: Sequence[dict[str, Any]], *, source: str, names: Sequence[str]) -> Suggestion:
    """The proposal for sampled records; pure."""
    full = {name for name in names if all(record.get(name) not in (None, "") for record in records)}
    chosen, doubts = _chosen(names, full)
    lines = [f"source: {source}", "fields:"]
    doubts.insert(0, f"source is made of the file's name: {source}")
    for field in _NAMES:
        entry = _entry(field, chosen.get(field), records, doubts)
        if entry:
            lines.append(f"  {field}: {entry}")
    taken = set(chosen.values())
    rest = [name for name in names if name not in taken and name != "data"]
    if rest:
        doubts.append(f"go to data, unclassified and so excluded until a steward rules: {', '.join(rest)}")
    if "user_id" in chosen:
        lines += ["# consent:", "#   purposes: [analytics]", "#   reason: why these people agreed"]
        doubts.append("events of identified users are refused until consent: or --assume-consent states a basis")
    return Suggestion("\n".join(lines) + "\n", doubts)


def _chosen(names: Sequence[str], full: set[str]) -> tuple[dict[str, str], list[str]]:
    """The source field proposed per LogEvent field; none is used twice, and a required one is never empty."""
    by_plain = {name.lower().replace("-", "_"): name for name in reversed(names)}
    chosen: dict[str, str] = {}
    doubts: list[str] = []
    for field, candidates in _NAMES.items():
        found = [by_plain[c] for c in candidates if c in by_plain and by_plain[c] not in chosen.values()]
        found = [name for name in found if name in full or field not in _ALWAYS]
        if found:
            chosen[field] = found[0]
            if field not in found[0].lower():
                doubts.append(f"{field} is taken from {found[0]} by its name")
    return chosen, doubts


def _entry(field: str, name: str | None, records: Sequence[dict[str, Any]], doubts: list[str]) -> str | None:
    if field == "created_at":
        return _time_entry(name, records, doubts)
    if field == "received_at":
        return _receipt_entry(name, records, doubts)
    if name is not None:
        seen = any(name in record for record in records)
        return _quoted(name) if seen else f"{{field: {_quoted(name)}, optional: true}}"
    if field == "id":
        doubts.append("no id found: the whole record is hashed, so two equal records count as one event")
        return '{hash: "*"}'
    if field in ("event_type", "action"):
        doubts.append(f"no {field} found: a constant stands in")
        return "{constant: event}"
    if field == "data_classification":
        doubts.append("data_classification is personal for every event until you know better")
        return "{constant: personal}"
    if field == "retention_policy":
        doubts.append("retention_policy is short_term for every event until you decide")
        return "{constant: short_term}"
    return None


def _receipt_entry(name: str | None, records: Sequence[dict[str, Any]], doubts: list[str]) -> str:
    if name is not None:
        return _time_entry(name, records, doubts, field="received_at")
    doubts.append(
        "received_at repeats created_at: right where the source recorded events as they happened; without the line "
        "they count as known from the import on, and features of earlier days do not see them"
    )
    return "{same_as: created_at}"


def _time_entry(
    name: str | None, records: Sequence[dict[str, Any]], doubts: list[str], *, field: str = "created_at"
) -> str:
    if name is None:
        name = next((n for r in records[:1] for n, v in r.items() if _is_iso(v)), None)
        if name is None:
            doubts.append("no time found: put the right field in created_at, or every record goes to quarantine")
            return "{timestamp: created_at}"
        doubts.append(f"created_at is taken from {name} because its values look like times")
    value = next((r[name] for r in records if r.get(name) not in (None, "")), None)
    unit = _unit(value)
    if unit:
        doubts.append(f"{name} is read as a number of {unit} since 1970")
        return f"{{timestamp: {{field: {_quoted(name)}, unit: {unit}}}}}"
    if not _is_iso(value):
        doubts.append(f"{name} is not ISO 8601: add a strptime format: to {field}")
    elif not re.search(r"(?:Z|[+-]\d\d:?\d\d)$", str(value)):
        doubts.append(f"{name} has no offset and is taken as UTC")
    return f"{{timestamp: {_quoted(name)}}}"


def _is_iso(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) >= 10 and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _unit(value: Any) -> str | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        return None
    return next((unit for unit, least in _UNITS if number >= least), None)


def _names(batch: Batch, records: Sequence[dict[str, Any]]) -> list[str]:
    found = dict.fromkeys(name for record in records for name in record)
    return [*found, *sorted((batch.names or frozenset()) - found.keys())]


def _source_name(path: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_") or "file"


def _quoted(name: str) -> str:
    """A source field as YAML; a JSON pointer where a dot would read as a path."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return name
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return '"' + pointer.replace("\\", "\\\\").replace('"', '\\"') + '"'
