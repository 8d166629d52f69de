"""A web shop's consent banner as our ledger takes it in: banners shown and preferences sent. No assertions here."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from privacy.consent import Decision, record_decisions
from privacy.notices import publish_notices, serve_notice

# The banner's scopes in the order in which the peer writes them, as purposes of ours.
SCOPES = {
    "necessary": "data_collection",
    "preferences": "personalization",
    "statistics": "analytics",
    "marketing": "marketing",
}
METHODS = {"allow_all": ("accept", "reject"), "deny_all": ("save", "reject"), "allow_selected": ("save", "save")}
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WebData:
    """The raw files, each event once."""

    events: Mapping[str, Row]
    preferences: Mapping[str, Row]
    banners: Mapping[str, Row]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def web_data(folder: Path) -> WebData:
    """The raw inputs; an event that a file repeats is the same event."""
    events = {row["event_id"]: row for row in read(folder / "snowplow_web_events.csv")}
    preferences = {row["root_id"]: row for row in read(folder / "snowplow_web_consent_preferences.csv")}
    banners = {row["root_id"]: row for row in read(folder / "snowplow_web_consent_cmp_visible.csv")}
    return WebData(events, preferences, banners)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spelled(at: datetime | None) -> str:
    """A moment as the peer's tables write it: milliseconds, no zone."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def take_in(conn: psycopg.Connection, data: WebData) -> int:
    """Banners as served notices (one a purpose), preferences as decisions that point at the banner before them.

    Returns how many decisions are new.
    """
    publish_notices(conn, moment("2021-01-01"))
    shown: list[tuple[str, datetime, dict[str, int]]] = []
    for event_id in data.banners:
        event = data.events[event_id]
        at = moment(event["derived_tstamp"])
        numbers = {
            purpose: serve_notice(
                conn, event["domain_userid"], purpose, language="en", served_at=at, place=event_id
            ).served_notice_id
            for purpose in SCOPES.values()
        }
        shown.append((event["domain_userid"], at, numbers))
    decisions = []
    for event_id, preference in data.preferences.items():
        event = data.events[event_id]
        at = moment(event["derived_tstamp"])
        before = [entry for entry in shown if entry[0] == event["domain_userid"] and entry[1] <= at]
        latest = max(before, key=lambda entry: entry[1])[2] if before else {}
        decisions += _decisions(preference, event, latest)
    return record_decisions(conn, sorted(decisions, key=lambda decision: decision.received_at))


def _decisions(preference: Row, event: Row, notices: Mapping[str, int]) -> list[Decision]:
    agreed = set(json.loads(preference["consent_scopes"]))
    grants, withdraws = METHODS[preference["event_type"]]
    evidence = {
        "event_id": event["event_id"],
        "event_type": preference["event_type"],
        "basis": preference["basis_for_processing"],
        "version": preference["consent_version"],
        "url": preference["consent_url"],
        "domains": json.loads(preference["domains_applied"]),
        "gdpr_applies": preference["gdpr_applies"] == "TRUE",
    }
    return [
        Decision(
            event["domain_userid"],
            purpose,
            "grant" if scope in agreed else "withdraw",
            moment(event["derived_tstamp"]),
            moment(event["load_tstamp"]),
            "cmp",
            grants if scope in agreed else withdraws,
            evidence=evidence,
            served_notice_id=notices.get(purpose),
        )
        for scope, purpose in SCOPES.items()
    ]
