"""Random histories for the law of incremental models: events of every kind, and what happens to them. No dbt here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from tests.dbt_project.conftest import ALL_PURPOSES, Event

START = datetime(2023, 12, 20)
COMPANIES = tuple(f"c{i}" for i in range(8))
OTHERS = ("x", "y")  # whose subscriptions come and go
PEOPLE = tuple(f"s{i}" for i in range(48))
SHARED = (*ALL_PURPOSES, "sharing")
# What people do: event type, component, action, and values of the keys that such an event may have.
Choices = dict[str, Sequence[object]]
_ASSISTANT: Choices = {"model": ["m1", "m2"], "prompt_template": ["p", "q"], "n_tokens": [9, 70], "cost": [0.1, 0.003]}
_BILLING: Choices = {
    "plan": ["team", "pro"],
    "mrr": [10, 20.5],
    "seats": [1, 9],
    "amount": [12.25],
    "resource": [1],
}
_RISK: Choices = {"risk_score": [0.1, 0.7], "succeeded": [True, False], "severity": ["low", "high"], "method": ["sso"]}
_PAGE: Choices = {"page_view_id": ["v1", "v2", "v3"], "page_path": ["/a", "/b"], "device": ["mobile", "desktop"]}
_CONSENT: Choices = {"consent_version": ["1", "2"], "consent_type": ["allow_all", "deny_all"]}
Kind = tuple[str, str, str, Choices]
KINDS: tuple[Kind, ...] = (
    ("ui", "web", "page_view", _PAGE | {"page": ["billing", "home"], "load_ms": [0.1, 3]}),
    ("ui", "web", "page_ping", _PAGE | {"scroll_y": [10, 400], "view_height": [300], "page_height": [900]}),
    ("ui", "web", "web_vitals", _PAGE | {"lcp_ms": [900, 5000], "cls": [0.01, 0.3]}),
    ("ui", "web", "cmp_visible", _PAGE | {"banner_seconds": [1.5]}),
    ("ui", "web", "consent_preferences", _CONSENT | {"consent_scopes": [["ads"], ["ads", "research"]]}),
    ("ui", "web", "feature_use", {"feature": ["board", "tasks"], "duration_ms": [5, 70]}),
    ("ui", "web", "search", {"n_results": [0, 7], "feature": ["search"]}),
    ("ui", "web", "form_submit", {"form": ["a"], "is_valid": [True, False]}),
    ("api", "gateway", "call", {"endpoint": ["/x", "/y"], "status": [200, 404, 500], "api_key": ["k1", "k2"],
                                "latency_ms": [0.1, 0.2, 90], "request_bytes": [100], "method": ["get"]}),
    ("ai", "assistant", "prompt", _ASSISTANT | {"prompt_length": [4, 200], "intent": ["fix"], "sentiment": [-0.5, 1]}),
    ("ai", "assistant", "response", _ASSISTANT | {"latency_ms": [900.5], "quality": [0.4], "regenerated": [True]}),
    ("ai", "assistant", "rating", {"rating": [0, 1, 4.3], "edited": [True, False]}),
    ("system", "runtime", "error", {"code": ["E1"], "severity": ["high"], "handled": [True, False]}),
    ("system", "runtime", "metrics", {"cpu_percent": [10.5, 99], "memory_percent": [40], "resource": ["r1"]}),
    ("system", "runtime", "incident_end", {"severity": ["critical"], "duration_ms": [60000]}),
    ("business", "billing", "trial_start", {"plan": ["team"]}),
    ("business", "billing", "upgrade", _BILLING),
    ("business", "billing", "payment", _BILLING | {"succeeded": [True, True, False]}),
    ("business", "billing", "cancel", {}),
    ("business", "members", "invite", {}),
    ("security", "auth", "login", _RISK),
    ("security", "auth", "failed_login", _RISK),
    ("security", "auth", "threat", _RISK | {"blocked": [True, False]}),
    ("profile", "account", "signup", {"acquisition_channel": ["search", "partner"]}),
    ("content", "references", "reference_created", {"reference_field": ["law"], "quality": [0.5], "n_citations": [3]}),
    ("support", "support", "ticket", {"topic": ["billing"]}),
)  # fmt: skip
# One of a crowd rates over and over, and some come back and find nothing.
RATING, SEARCH = (next(kind for kind in KINDS if kind[2] == action) for action in ("rating", "search"))
# Of a crowd, who does what not everybody does: a third never upgrades, and nobody cancels.
NOT_EVERYBODY: dict[str, Callable[[int], bool]] = {"upgrade": lambda i: i % 8 % 3 > 0, "cancel": lambda i: i < 0}
_CLIENT: dict[str, object] = {"_client_info": {"device": "mobile", "os": "x", "network": "n1"}}
_CROWD: dict[str, object] = {"plan": "team", "acquisition_channel": "search"} | _CLIENT


def some_events(chance: Random, n: int, first_day: int, last_day: int) -> list[Event]:
    """Events of few subjects and one kind, dense around midnights so that sessions join and split."""
    return [
        _event(
            chance, _some_time(chance, first_day, last_day), chance.choice(["s", "t", "u", None]), COMPANIES[:2],
            action=chance.choice(["commit", "merge", "error"]), component=chance.choice([None, "p", "q"]),
            data=chance.choice(["{}", '{"n_files": 7}', '{"latency_ms": 0.1, "rating": 4.3}', '{"is_bot": true}']),
        )
        for _ in range(n)
    ]  # fmt: skip


def events_of_every_kind(chance: Random, n: int, first_day: int, last_day: int) -> list[Event]:
    """Events of all kinds by few people, and a crowd that takes one way: k people stand behind what it does."""
    found = [
        _of_kind(chance, _some_time(chance, first_day, last_day), chance.choice([*PEOPLE[:8], None])) for _ in range(n)
    ]
    together = START + timedelta(days=chance.randint(first_day, last_day), hours=chance.randint(0, 21))
    found.extend(
        _in_crowd(chance, kind, together + timedelta(minutes=minute), number)
        for minute, kind in enumerate(KINDS)
        for number in range(len(PEOPLE))
        if kind[2] not in NOT_EVERYBODY or NOT_EVERYBODY[kind[2]](number)
    )
    found += [_in_crowd(chance, RATING, together + timedelta(minutes=30 + i), 0) for i in range(10)]
    some = [_in_crowd(chance, SEARCH, together + timedelta(minutes=100), i) for i in range(8)]
    return found + [replace(event, purposes=ALL_PURPOSES) for event in some]


def _in_crowd(chance: Random, kind: Kind, at: datetime, number: int) -> Event:
    event_type, component, action, choices = kind
    seen: Choices = {"experiment": ["new_onboarding"], "variant": ["control" if number % 2 else "new"]}
    data, company = json.dumps(_some(chance, choices | seen, 1.0) | _CROWD), COMPANIES[number % len(COMPANIES)]
    return Event(f"{chance.getrandbits(64):x}", PEOPLE[number], f"{at:%Y-%m-%d %H:%M}", company, component,
                 action, data, SHARED, event_type)  # fmt: skip


def _of_kind(chance: Random, at: datetime, who: str | None) -> Event:
    event_type, component, action, choices = chance.choice(KINDS)
    data = json.dumps(_some(chance, choices, 0.8) | chance.choice([{}, {"is_bot": True}, _CLIENT, _CLIENT, _CLIENT]))
    companies = OTHERS if component in ("billing", "account") else COMPANIES
    event = _event(chance, at, who, companies, component=component, action=action, data=data, event_type=event_type)
    return event if chance.random() < 0.5 else replace(event, purposes=ALL_PURPOSES)


def _some(chance: Random, choices: Choices, share: float) -> dict[str, object]:
    return {key: chance.choice(values) for key, values in choices.items() if chance.random() < share}


def _some_time(chance: Random, first_day: int, last_day: int) -> datetime:
    minute = chance.choice([chance.randint(0, 1439), chance.randint(1415, 1439), chance.randint(0, 25)])
    return START + timedelta(days=chance.randint(first_day, last_day), minutes=minute)


def _event(
    chance: Random, at: datetime, who: str | None, companies: Sequence[str], *, component: str | None, action: str,
    data: str, event_type: str = "code",
) -> Event:  # fmt: skip
    received = at + timedelta(hours=chance.choice([0, 0, 0, 20, 200]))
    return Event(
        event_id=f"{chance.getrandbits(64):x}",
        subject=who,
        at=f"{at:%Y-%m-%d %H:%M}",
        received=f"{received:%Y-%m-%d %H:%M}",
        company=chance.choice([None, *companies]),
        component=component,
        action=action,
        data=data,
        purposes=chance.choice([("personalization", "model_training"), ("model_training",), ("analytics",)]),
        event_type=event_type,
    )


Maker = Callable[[Random, int, int, int], list[Event]]


def change(chance: Random, log: list[Event], step: int, make: Maker = some_events) -> tuple[list[Event], set[date]]:
    """An erasure, correction, loss of the last day, late arrival or new month: the new log and the days it touches."""
    if step % 5 == 1:
        return _erased(chance, log)
    if step % 5 == 2:
        return _corrected(chance, log)
    if step % 5 == 3:
        last = max(e.occurred_at.date() for e in log)
        return [e for e in log if e.occurred_at.date() != last], {last}
    late = step % 5 == 4
    new = make(chance, 12, 0 if late else 10 * step, 20 if late else 10 * step + 20)
    return log + new, {e.occurred_at.date() for e in new}


def _erased(chance: Random, log: list[Event]) -> tuple[list[Event], set[date]]:
    subject = chance.choice(sorted({e.subject for e in log if e.subject})[:8])
    gone = {e.event_id for e in log if e.subject == subject and chance.random() < 0.7}
    return [e for e in log if e.event_id not in gone], {e.occurred_at.date() for e in log if e.event_id in gone}


def _corrected(chance: Random, log: list[Event]) -> tuple[list[Event], set[date]]:
    """Some events that are not shared are said anew, with another company and the values of another of that action."""
    said = {e.action: e for e in log}
    wrong = {e.event_id for e in log if "sharing" not in e.purposes and chance.random() < 0.1}
    right = [
        replace(e, company=chance.choice([e.company, *OTHERS]), data=said[e.action].data) if e.event_id in wrong else e
        for e in log
    ]
    return right, {e.occurred_at.date() for e in log if e.event_id in wrong}
