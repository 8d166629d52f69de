"""A log with planted values: the simulator's own, and others where senders put what does not belong there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from collection.simulator import SIMULATOR_MAPPING, SIMULATOR_RULES, Canaries, SimulationSpec, simulate, write_jsonl
from tests.canary.forms import Planted

PURPOSES = ("analytics", "model_training", "personalization", "sharing")
CONSENT = {"purposes": list(PURPOSES), "reason": "invented people agree to everything"}
IDENTITIES = ("user_id", "persona_id", "company_id")
# What can be told from a word by its looks. A name cannot: a label or a key that is a word passes as one.
VISIBLE = ("email", "phone", "ip", "card", "ssn", "id")


@dataclass(frozen=True, slots=True)
class PlantedLog:
    """Files for `lethe run`, the values planted in events that can be stored, and those in records that cannot."""

    events: Path
    mapping: Path
    stored: list[Planted]
    refused: list[Planted]

    @property
    def planted(self) -> list[Planted]:
        return self.stored + self.refused


def plant(folder: Path, n_events: int) -> PlantedLog:
    """Write a log of n_events simulated events and a few more, and its mapping."""
    simulation = simulate(SimulationSpec(n_events=n_events, canaries=Canaries()))
    events = folder / "events.jsonl"
    write_jsonl(simulation, events)
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    bearers = {canary.token for canary in simulation.canary_tokens if canary.field == "user_id"}
    theirs = [line for line in lines if line["user_id"] in bearers]
    template = next(line for line in theirs if line["event_type"] == "ui")
    odd, bad = list(odd_events(template)), list(bad_records(template))
    with events.open("a") as file:
        file.writelines(f"{line}\n" for _, line in odd + bad)
    stored = [Planted(canary.token, canary.field) for canary in simulation.canary_tokens]
    stored += [*_identities(lines), *_of_canaries(theirs), *(planted for planted, _ in odd)]
    unique = {planted.token: planted for planted in stored}
    return PlantedLog(events, write_mapping(folder), list(unique.values()), [planted for planted, _ in bad])


def write_mapping(folder: Path) -> Path:
    """The simulator's mapping with its classification rules and everybody's consent."""
    path = folder / "mapping.yaml"
    sections: dict[str, Any] = {"consent": CONSENT, "classification": [rule.row() for rule in SIMULATOR_RULES]}
    path.write_text(SIMULATOR_MAPPING + yaml.safe_dump(sections))
    return path


def odd_events(template: dict[str, Any]) -> Iterator[tuple[Planted, str]]:
    """Events that are stored although a value stands where none belongs: as a label, a key, or in a wrong type."""
    for kind in VISIBLE:
        for column in ("event_type", "event_source", "component", "action"):
            value = made_up(kind, column)
            yield Planted(value, f"{kind} as {column}"), _event(template, kind, **{column: value})
        for root in ("data", "metadata", "client_info"):
            value = made_up(kind, f"key of {root}")
            yield Planted(value, f"{kind} as key of {root}"), _event(template, kind, **{root: {value: 1}})
        value = made_up(kind, "inner key")
        content = {"page": "home", "unheard_of": [{"x": {value: value}}]}
        yield Planted(value, f"{kind} below an unknown key"), _event(template, kind, data=content)
    places: dict[str, Callable[[str], dict[str, Any]]] = {
        "text for a number": lambda value: {"load_ms": value, "n_rows": value},
        "text for a boolean": lambda value: {"is_valid": value},
        "object for a text": lambda value: {"page": {"x": value}, "query": {"y": value}},
        "array for a text": lambda value: {"page": [value], "comment": [value]},
    }
    for place, data in places.items():
        value = made_up("email", place)
        yield Planted(value, place), _event(template, place, data=data(value))
    value = made_up("email", "zero byte")
    yield Planted(value, "before a zero byte"), _event(template, "zero", data={"query": value + "\0"})
    value = made_up("email", "escaped")
    line = _event(template, "escaped", data={"query": value})
    yield Planted(value, "escaped in the file"), line.replace(value, "".join(f"\\u{ord(c):04x}" for c in value))


def bad_records(template: dict[str, Any]) -> Iterator[tuple[Planted, str]]:
    """Records that cannot be stored; what they hold must not be told by whoever refuses them."""
    cut = made_up("email", "cut off")
    yield Planted(cut, "cut off"), f'{{"id": "cut", "data": {{"email": "{cut}", '
    bare = made_up("email", "bare")
    yield Planted(bare, "no JSON"), bare
    number = made_up("card", "number")
    yield (
        Planted(number, "number out of range"),
        _event(template, "n", data={"x": 1}).replace('"x": 1', f'"x": 1e{number}'),
    )
    for column in ("created_at", "data_classification", "retention_policy", "id", "event_type", "user_id"):
        value = made_up("email", f"bad {column}")
        bad: Any = {"at": value} if column in ("id", "event_type", "user_id") else value
        yield Planted(value, f"bad {column}"), _event(template, f"bad {column}", **{column: bad})
    value = made_up("email", "collision")
    yield Planted(value, "other content under a known id"), json.dumps(template | {"data": {"query": value}})


def made_up(kind: str, place: str) -> str:
    """A value of a kind in ranges reserved for examples, a different one for every place."""
    word = hashlib.sha256(f"{kind} {place}".encode()).hexdigest()
    digits = str(int(word, 16))[:10]
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in word)
    return {
        "email": f"{letters[:14]}@example.org",
        "phone": f"+1-202-555-{digits[:4]}-{digits[4:]}",
        "ip": f"fd00:db8:{word[:4]}:{word[4:8]}:{word[8:12]}::{word[12:16]}",
        "card": f"400000{digits}",
        "ssn": f"{digits[:3]}-{digits[3:5]}-{digits[5:9]}",
        "id": f"usr_{word[:16]}",
    }[kind]


def _event(template: dict[str, Any], name: str, **changes: Any) -> str:
    changed = template | changes
    own = hashlib.sha256(f"{name} {json.dumps(changes)}".encode()).hexdigest()[:16]
    return json.dumps({**changed, "id": changes.get("id", f"evt_{own}")})


def _identities(lines: list[dict[str, Any]]) -> Iterator[Planted]:
    """Everybody's ids, canary or not."""
    for column in IDENTITIES:
        for value in {line[column] for line in lines} - {None}:
            yield Planted(value, column)


def _of_canaries(theirs: list[dict[str, Any]]) -> Iterator[Planted]:
    """What else identifies an event of a canary user, and what is ruled an identifier."""
    for line in theirs:
        yield Planted(line["id"], "id")
        yield Planted(line["session_id"], "session_id")
        for path, value in (("data", "account_ref"), ("metadata", "trace")):
            if value in (line[path] or {}):
                yield Planted(line[path][value], f"*/{path}/{value}")
