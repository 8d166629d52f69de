"""A peer's consent tables from our ledger: the log, users, versions, totals, scopes, and banner-to-answer times.

Its raw events go through our functions (notices served, decisions recorded); every table below is computed from what
the ledger then holds, and compared cell by cell with what the peer expects. All rows and cells agree. Where the two
systems see things differently:

- The peer keeps one row per preference event, we one decision per purpose: a row of its log is our four decisions of
  one event id, its scopes those granted. `deny_all` grants `necessary` there too, so it is `save` for that purpose
  and `reject` for the others.
- The raw files repeat one event of each kind; the peer removes repeats by event id, our ledger by fingerprint.
- A banner carries no version of its words; we serve our own notice in its place. The peer's columns about the
  session, the country, its user id, the load time of a banner and its delay are no consent facts: they are joined from
  the raw event by the event id that the ledger keeps as evidence (decisions) or place (banners).
- The peer starts a version at its first `allow_all`, though answers of version 2.0 came a minute before: kept as is.
- `withdrawn`, `expired` and `implicit_consent` are event types that this banner never sent: 0 in both. `pending` is
  nobody in both: the one person who never answered belongs to no version.
- `page_view_id` is empty in every row of the peer's log, and so here.
- Seconds to an answer count the second hands that pass (as datediff does in SQL warehouses), not elapsed time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from privacy.consent import Decision, get_consent, history
from privacy.notices import ServedNotice, served_to
from tests.privacy import web_consent
from tests.privacy.web_consent import SCOPES, WebData, moment, read, spelled
from warehouse.database import Database

pytestmark = [pytest.mark.integration, pytest.mark.shared_data]
PREFIX = "snowplow_web_consent"


@dataclass(frozen=True, slots=True)
class Answer:
    """The decisions of one preference event."""

    decisions: tuple[Decision, ...]

    @property
    def said(self) -> Mapping[str, Any]:
        return self.decisions[0].evidence or {}

    @property
    def at(self) -> datetime:
        return self.decisions[0].decided_at

    @property
    def scopes(self) -> str:
        names = {purpose: scope for scope, purpose in SCOPES.items()}
        granted = {names[d.purpose] for d in self.decisions if d.decision == "grant"}
        return ", ".join(scope for scope in SCOPES if scope in granted)


@dataclass(frozen=True, slots=True)
class Person:
    """What the ledger holds of one person: answers in order, banners in order, and the current decisions."""

    subject: str
    answers: tuple[Answer, ...]
    banners: tuple[ServedNotice, ...]
    current: Mapping[str, str]

    @property
    def last(self) -> Answer | None:
        return self.answers[-1] if self.answers else None


@pytest.fixture
def data(shared_data: Path) -> WebData:
    return web_consent.web_data(shared_data / "web_events")


@pytest.fixture
def people(database: Database, data: WebData) -> list[Person]:
    subjects = sorted({data.events[event_id]["domain_userid"] for event_id in (*data.preferences, *data.banners)})
    with database.connect("privacy") as conn:
        assert web_consent.take_in(conn, data) == 4 * 32
        return [
            Person(subject, tuple(_answers(history(conn, subject))), tuple(_banners(served_to(conn, subject))),
                   get_consent(conn, subject))
            for subject in subjects
        ]  # fmt: skip


def _answers(decisions: Iterable[Decision]) -> Iterator[Answer]:
    grouped: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        grouped[(decision.evidence or {})["event_id"]].append(decision)
    return (Answer(tuple(group)) for group in grouped.values())


def _banners(served: Iterable[ServedNotice]) -> Iterator[ServedNotice]:
    return (notice for notice in served if notice.notice.purpose == "data_collection")


def expected(shared_data: Path, name: str) -> list[dict[str, str]]:
    return read(shared_data / "web_events" / "expected" / f"{PREFIX}_{name}_expected.csv")


def same(found: Sequence[Mapping[str, str]], wanted: Sequence[Mapping[str, str]]) -> None:
    def ordered(rows: Sequence[Mapping[str, str]]) -> list[list[tuple[str, str]]]:
        return sorted(sorted(row.items()) for row in rows)

    assert ordered(found) == ordered(wanted)


def test_the_log(people: list[Person], data: WebData, shared_data: Path) -> None:
    rows = [_answer_row(person, answer, data) for person in people for answer in person.answers]
    rows += [_banner_row(person, banner, data) for person in people for banner in person.banners]
    same(rows, expected(shared_data, "log"))
    assert len(rows) == 65


def _joined(event: web_consent.Row) -> dict[str, str]:
    return {name: event[name] for name in ("user_id", "geo_country", "domain_sessionid")} | {"page_view_id": ""}


def _answer_row(person: Person, answer: Answer, data: WebData) -> dict[str, str]:
    said = answer.said
    return _joined(data.events[said["event_id"]]) | {
        "event_id": said["event_id"],
        "domain_userid": person.subject,
        "derived_tstamp": spelled(answer.at),
        "load_tstamp": spelled(answer.decisions[0].received_at),
        "event_name": "consent_preferences",
        "event_type": said["event_type"],
        "basis_for_processing": said["basis"],
        "consent_url": said["url"],
        "consent_version": said["version"],
        "consent_scopes": answer.scopes,
        "domains_applied": ", ".join(said["domains"]),
        "gdpr_applies": str(said["gdpr_applies"]).lower(),
        "cmp_load_time": "",
    }


def _banner_row(person: Person, banner: ServedNotice, data: WebData) -> dict[str, str]:
    event = data.events[banner.place]
    blank = ("event_type", "basis_for_processing", "consent_url", "consent_version", "consent_scopes")
    return (
        _joined(event)
        | dict.fromkeys((*blank, "domains_applied"), "")
        | {
            "event_id": banner.place,
            "domain_userid": person.subject,
            "derived_tstamp": spelled(banner.served_at),
            "load_tstamp": event["load_tstamp"],
            "event_name": "cmp_visible",
            "gdpr_applies": "false",
            "cmp_load_time": str(float(data.banners[banner.place]["elapsed_time"])),
        }
    )


def test_a_lost_answer_would_be_seen(people: list[Person], data: WebData, shared_data: Path) -> None:
    rows = [_answer_row(person, answer, data) for person in people for answer in person.answers]
    wanted = [row for row in expected(shared_data, "log") if row["event_name"] == "consent_preferences"]
    same(rows, wanted)
    with pytest.raises(AssertionError):
        same(rows[1:], wanted)
    with pytest.raises(AssertionError):
        same([rows[0] | {"consent_scopes": "necessary, spying"}, *rows[1:]], wanted)


def test_the_users(people: list[Person], data: WebData, shared_data: Path) -> None:
    newest = max(answer.said["version"] for person in people for answer in person.answers)
    same([_user_row(person, newest, data) for person in people], expected(shared_data, "users"))


def _user_row(person: Person, newest: str, data: WebData) -> dict[str, str]:
    last, said = person.last, person.last.said if person.last else {}
    loaded = [answer.decisions[0].received_at for answer in person.answers]
    loaded += [moment(data.events[banner.place]["load_tstamp"]) for banner in person.banners]
    event = data.events[person.banners[0].place]
    return {
        "domain_userid": person.subject,
        "user_id": event["user_id"],
        "geo_country": event["geo_country"],
        "cmp_events": str(len(person.banners)),
        "consent_events": str(len(person.answers)),
        "last_cmp_event_tstamp": spelled(person.banners[-1].served_at),
        "last_consent_event_tstamp": spelled(last.at if last else None),
        "last_consent_event_type": said.get("event_type", ""),
        "last_consent_scopes": last.scopes if last else "",
        "last_consent_version": said.get("version", ""),
        "last_consent_url": said.get("url", ""),
        "last_domains_applied": ", ".join(said.get("domains", ())),
        "last_processed_event": spelled(max(loaded)),
        "is_latest_version": str(said.get("version") == newest).lower(),
    }


def _versions(people: list[Person]) -> dict[str, dict[str, str]]:
    everything = [answer for person in people for answer in person.answers]
    newest = max(answer.said["version"] for answer in everything)
    rows = {}
    for version in {answer.said["version"] for answer in everything}:
        full = [a for a in everything if a.said["version"] == version and a.said["event_type"] == "allow_all"]
        loaded = [answer.decisions[0].received_at for answer in full]
        rows[version] = {
            "consent_version": version,
            "version_start_tstamp": spelled(min(loaded)),
            "consent_scopes": full[0].scopes,
            "consent_url": full[0].said["url"],
            "domains_applied": ", ".join(full[0].said["domains"]),
            "is_latest_version": str(version == newest).lower(),
            "last_allow_all_event": spelled(max(loaded)),
        }
    return rows


def test_the_versions(people: list[Person], shared_data: Path) -> None:
    same(list(_versions(people).values()), expected(shared_data, "versions"))


def test_the_totals(people: list[Person], shared_data: Path) -> None:
    rows = []
    for version, row in _versions(people).items():
        kinds = Counter(p.last.said["event_type"] for p in people if p.last and p.last.said["version"] == version)
        totals = {
            "total_visitors": kinds.total(),
            "allow_all": kinds["allow_all"],
            "allow_selected": kinds["allow_selected"],
            "allow": kinds["allow_all"] + kinds["allow_selected"],
            "denied": kinds["deny_all"],
        }
        never = ("pending", "expired", "withdrawn", "implicit_consent", "expires_in_six_months")
        rows.append(row | {name: str(n) for name, n in totals.items()} | dict.fromkeys(never, "0"))
    same(rows, expected(shared_data, "totals"))


def test_the_scopes_in_force(people: list[Person], shared_data: Path) -> None:
    """By the current view of the ledger, of the people who answered the newest version."""
    newest = [p for p in people if p.last and p.last.said["version"] == "2.0"]
    rows = [
        {"scope": scope, "total_consent": str(sum(p.current[purpose] == "grant" for p in newest))}
        for scope, purpose in SCOPES.items()
    ]
    same(rows, expected(shared_data, "scope_status"))


def test_banners_and_their_answers(people: list[Person], data: WebData, shared_data: Path) -> None:
    """Served against decided: the first answer that points at each banner."""
    rows = [_stats_row(person, banner, data) for person in people for banner in person.banners]
    same(rows, expected(shared_data, "cmp_stats"))


def _stats_row(person: Person, banner: ServedNotice, data: WebData) -> dict[str, str]:
    event = data.events[banner.place]
    pointing = [a for a in person.answers if a.decisions[0].served_notice_id == banner.served_notice_id]
    first = pointing[0] if pointing else None
    seconds = "" if first is None else str(int(first.at.timestamp()) - int(banner.served_at.timestamp()))
    return {
        "event_id": banner.place,
        "domain_userid": person.subject,
        "original_domain_userid": person.subject,
        "page_view_id": "",
        "domain_sessionid": event["domain_sessionid"],
        "original_domain_sessionid": event["domain_sessionid"],
        "cmp_load_time": str(float(data.banners[banner.place]["elapsed_time"])),
        "cmp_tstamp": spelled(banner.served_at),
        "first_consent_event_tstamp": spelled(first.at if first else None),
        "first_consent_event_type": first.said["event_type"] if first else "",
        "cmp_interaction_time": seconds,
    }
