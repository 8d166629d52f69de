"""A peer's web tables from our models: page views, sessions, people, vitals and consent reports, cell by cell.

The peer's raw events go through the importer, the classification rules of examples/web_events and the transform; dbt
builds; keyed ids are led back to raw ones with the vault's keys, which only a test holds. Each difference below is one
that we choose, and the tests name the very rows and cells (docs/web_events.md says why).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from privacy.vault import Vault
from tests.conftest import cloned
from tests.dbt_project import web_expected as expected
from tests.dbt_project.conftest import MODULE_DATABASE, Event, Project, Runner
from tests.dbt_project.web_expected import Comparison, Key, compare, is_one_to_one, unexplained
from tests.dbt_project.web_stream import Raw, make_safe, raw_of
from tests.privacy.web_consent import read
from warehouse.database import Database
from warehouse.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.shared_data]

Rows = list[dict[str, Any]]
TABLES = (
    "sessions.ses_web_page_views", "sessions.ses_web_sessions", "aggregates.agg_web_users",
    "aggregates.agg_web_consent_log", "aggregates.agg_web_consent_users", "aggregates.agg_web_consent_versions",
    "aggregates.agg_web_consent_totals", "aggregates.agg_web_consent_scopes", "marts.mart_web_vitals",
    "marts.mart_consent_totals", "marts.mart_consent_scope_status",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Built:
    """What dbt made of the peer's events, with raw ids beside keyed ones."""

    project: Project
    tables: Mapping[str, Rows]
    raw: Raw
    folder: Path

    def theirs(self, name: str) -> Rows:
        """One of the peer's expected tables."""
        return list(read(self.folder / "expected" / f"snowplow_web_{name}_expected.csv"))

    def ours(self, name: str) -> Rows:
        """One of our tables, with the columns of identity in raw words."""
        return [row | self._identities(row) for row in self.tables[name]]

    def _identities(self, row: dict[str, Any]) -> dict[str, str]:
        person = self.raw.of_subject.get(row.get("subject", ""), "")
        return {
            "event_id": self.raw.of_event.get(row.get("event_id") or "", ""),
            "person": person if any(person == event["domain_userid"] for event in self.raw.events.values()) else "",
            "session_id": self.raw.of_session.get(row.get("tracker_session", row.get("session")) or "", ""),
        }


@pytest.fixture(scope="module")
def built(
    template: Database, runner: Runner, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """Everything from the raw files to the marts, once."""
    folder = tmp_path_factory.mktemp("web")
    vault = Vault.open(folder / "vault")
    settings = replace(Settings.load(folder / "home"), home=folder / "home")
    with cloned(template, MODULE_DATABASE) as database:
        reports = make_safe(database, vault, shared_data, folder)
        assert [(r.n_read, r.n_stored, r.codes) for r in reports] == [(160, 157, {"id_collision": 3}), (1000, 1000, {})]
        project = Project(database, settings, folder / "target", runner)
        project.build("--select", "stg_web_events+")
        tables = {name: table(project, name) for name in TABLES}
        yield Built(project, tables, raw_of(vault, shared_data), shared_data / "web_events")


def table(project: Project, name: str) -> Rows:
    """A table as dicts."""
    with project.database.connect("dbt") as conn:
        cursor = conn.execute(f"select * from {name}".encode())
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def by(rows: Rows, *names: str) -> dict[Key, dict[str, Any]]:
    """Rows by key; a repeated key would hide a row."""
    found = {tuple(str(row[name] or "") for name in names): row for row in rows}
    assert len(found) == len(rows)
    return found


def keys(*starts: str, within: Iterable[Key]) -> set[Key]:
    """The keys whose first part begins so: the peer's ids have sixty digits."""
    return {key for key in within if key[0].startswith(starts)}


def cells(key: str, *columns: str) -> set[tuple[str, str]]:
    """Cells of the row whose key begins so."""
    return {(key, column) for column in columns}


def short(found: Comparison) -> set[tuple[str, str]]:
    """The cells that differ, by the first eight digits of their key."""
    return {(key[0][:8], column) for key, column in found.cells}


def compared(built: Built, ours: str, theirs: str, key: Mapping[str, str], columns: Mapping[str, str]) -> Comparison:
    """One table of each; every column of theirs is mapped, or named with a reason, or the same in every row."""
    wanted = built.theirs(theirs)
    assert unexplained(wanted, columns) == set()
    return compare(by(built.ours(ours), *key.values()), by(wanted, *key), columns)


def test_page_views(built: Built) -> None:
    """Ours has a late event's view, and one whose id the tracker left out: a view without a name stands for itself."""
    columns = expected.PAGE_VIEWS | expected.RENAMED
    wanted = built.theirs("page_views")
    assert unexplained(wanted, columns) == set()
    ours = by(built.ours("sessions.ses_web_page_views"), "event_id")
    found = compare(ours, by(wanted, "event_id"), expected.PAGE_VIEWS)
    assert (found.n_rows, found.n_columns, found.theirs_only) == (43, 35, frozenset())
    assert found.ours_only == keys("941c1388", "b0833046", within=found.ours_only)
    assert len(found.ours_only) == 2
    # A session of three browsers is three of ours, of one page view each.
    place, whole = "page_view_in_session_index", "page_views_in_session"
    of_several = cells("2a8fd470", whole)
    of_several |= {cell for key in ("d986a746", "0702cd11") for cell in cells(key, place, whole, "domain_userid")}
    # Two views of one millisecond: the order of keyed ids, which is as good as the peer's order of raw ids.
    tied = cells("6a1c6742", place) | cells("1h2c6742", place)
    assert short(found) - tied == of_several
    assert {ours[key]["place_in_session"] for key in keys("6a1c6742", "1h2c6742", within=ours)} == {1, 2}


def test_ids_of_page_views_are_theirs_under_other_names(built: Built) -> None:
    ours = by(built.ours("sessions.ses_web_page_views"), "event_id")
    rows = [(ours[row["event_id"],], row) for row in built.theirs("page_views")]
    assert is_one_to_one((one["page_view"], other["page_view_id"]) for one, other in rows)
    assert is_one_to_one((one["company"] or "", other["app_id"]) for one, other in rows)
    logins = (
        ((one["subject"], one["persona"]), (other["original_domain_userid"], other["user_id"])) for one, other in rows
    )
    assert is_one_to_one(logins)
    assert not is_one_to_one([("a", "x"), ("a", "y")])


def test_sessions(built: Built) -> None:
    """A session of ours is one person's; ours has late events, and a session whose only page view has no id."""
    key = {"domain_sessionid": "session_id", "domain_userid": "person"}
    found = compared(built, "sessions.ses_web_sessions", "sessions", key, expected.SESSIONS)
    assert (found.n_rows, found.n_columns, found.theirs_only) == (18, 31, frozenset())
    assert sorted((session[:8], person[:8]) for session, person in found.ours_only) == [
        ("540b6c4f", "1f72f389"), ("540b6c4f", "2e340eb6"), ("7edb1641", "9341fb4f"), ("e7971181", "ff747617"),
    ]  # fmt: skip
    longer = ("end_tstamp", "absolute_time_in_s", "page_views", "total_events", "last_page_title", "last_page_urlpath")
    tied = cells("6b379f3e", "first_page_title")
    assert short(found) - tied == cells("540b6c4f", *longer)


def test_people(built: Built) -> None:
    """Five of ours are not there: one late, two browsers of a session, one without a browser's id, one a page's."""
    found = compared(built, "aggregates.agg_web_users", "users", {"domain_userid": "person"}, expected.USERS)
    assert (found.n_rows, found.n_columns, found.theirs_only) == (11, 25, frozenset())
    assert sorted(key[0][:8] for key in found.ours_only) == ["", "1f72f389", "2e340eb6", "9341fb4f", "ff747617"]
    tied = cells("5d27ff97", "first_page_title")
    assert short(found) - tied == cells("0e9ab97b", "end_tstamp", "page_views", "last_page_title", "last_page_urlpath")


def test_quarantined_sessions(built: Built) -> None:
    """The peer forgets old sessions, so it lists one less: the one that came back after eight months."""
    ours = {row["session_id"][:8] for row in built.ours("sessions.ses_web_sessions") if row["is_quarantined"]}
    theirs = {row["session_identifier"][:8] for row in built.theirs("base_quarantined_sessions")}
    assert (ours - theirs, theirs - ours, len(ours & theirs)) == ({"d21c000a"}, set(), 1)


def test_consent_log_and_people(built: Built) -> None:
    """The peer writes false where a banner, which asks nothing yet, says nothing of gdpr_applies; ours is null."""
    key = {"event_id": "event_id"}
    found = compared(built, "aggregates.agg_web_consent_log", "consent_log", key, expected.CONSENT_LOG)
    assert (found.n_rows, found.n_columns, found.ours_only, found.theirs_only) == (65, 15, frozenset(), frozenset())
    banners = {row["event_id"] for row in built.theirs("consent_log") if row["event_name"] == "cmp_visible"}
    assert found.cells == {((event_id,), "gdpr_applies") for event_id in banners}
    assert len(banners) == 33
    key = {"domain_userid": "person"}
    found = compared(built, "aggregates.agg_web_consent_users", "consent_users", key, expected.CONSENT_USERS)
    assert (found.n_rows, found.n_columns) == (26, 11)
    assert not (found.ours_only | found.theirs_only | found.cells)


def test_consent_versions_totals_and_scopes(built: Built) -> None:
    """The peer ends a version when the last answer was loaded, ours when it was given: a millisecond before."""
    key = {"consent_version": "consent_version"}
    found = compared(built, "aggregates.agg_web_consent_versions", "consent_versions", key, expected.CONSENT_VERSIONS)
    assert (found.n_rows, found.n_columns, found.ours_only, found.theirs_only) == (2, 7, frozenset(), frozenset())
    assert short(found) == {(version, "last_allow_all_event") for version in ("1.0", "2.0")}
    loaded = {row["load_tstamp"]: row["derived_tstamp"] for row in built.raw.events.values()}
    theirs = {loaded[row["last_allow_all_event"]] for row in built.theirs("consent_versions")}
    assert theirs == {expected.spelled(r["last_allowed_at"]) for r in built.ours("aggregates.agg_web_consent_versions")}
    totals: dict[Key, dict[str, Any]] = defaultdict(dict)
    for row in built.tables["aggregates.agg_web_consent_totals"]:
        totals[row["consent_version"],] |= {"consent_version": row["consent_version"], row["answer"]: row["n_people"]}
    wanted = built.theirs("consent_totals")
    assert unexplained(wanted, expected.CONSENT_TOTALS) == set()
    found = compare(totals, by(wanted, "consent_version"), expected.CONSENT_TOTALS)
    assert (found.n_rows, found.n_columns) == (2, 7)
    assert not (found.ours_only | found.theirs_only | found.cells)
    scopes = {row["scope"]: row["n_people"] for row in built.tables["aggregates.agg_web_consent_scopes"]}
    assert scopes == {row["scope"]: int(row["total_consent"]) for row in built.theirs("consent_scope_status")}


def test_published_consents_hide_the_few(built: Built) -> None:
    exact = {
        (r["consent_version"], r["answer"]): r["n_people"] for r in built.tables["aggregates.agg_web_consent_totals"]
    }
    published = {(r["consent_version"], r["answer"]): r["n_people"] for r in built.tables["marts.mart_consent_totals"]}
    withheld = {key for key, n in published.items() if n is None}
    assert withheld == {key for key, n in exact.items() if 0 < n < 5}
    assert all(published[key] == n for key, n in exact.items() if key not in withheld)
    assert len(withheld) == 4
    status = {row["scope"]: row["n_people"] for row in built.tables["marts.mart_consent_scope_status"]}
    assert status == {row["scope"]: row["n_people"] for row in built.tables["aggregates.agg_web_consent_scopes"]}


def test_web_vitals(built: Built) -> None:
    """Every row of five people and more; the others are the peer's only. It rounds twice, to thousandths."""
    ours = {(str(row["event_day"]), row["device"]): row for row in built.tables["marts.mart_web_vitals"]}
    daily = [r for r in built.theirs("vital_measurements") if r["measurement_type"] in {"by_day", "by_day_and_device"}]
    theirs = {(row["time_period"][:10], row["device_class"]): row for row in daily}
    people: dict[Key, set[str]] = defaultdict(set)
    for event in read(built.folder / "snowplow_web_vital_events.csv"):
        for device in ("all", event["dvce_type"]):
            people[event["derived_tstamp"][:10], device].add(event["domain_userid"])
    assert ours.keys() == {key for key in theirs if len(people[key]) >= 5}
    assert (len(ours), len(theirs)) == (16, 78)
    for key, row in ours.items():
        for name in ("lcp", "fid", "inp", "ttfb", "cls"):
            column, scale = (name, 1) if name == "cls" else (f"{name}_ms", 1000 if name == "lcp" else 1)
            assert row[column] / scale == pytest.approx(float(theirs[key][f"{name}_75p"]), abs=2e-3)
            assert row[f"{name}_grade"] == theirs[key][f"{name}_result"]


INCREMENTAL = (
    "aggregates.agg_web_fragments", "aggregates.agg_web_consent_log", "sessions.ses_web_sessions",
    "sessions.ses_web_page_views", "marts.mart_web_vitals",
)  # fmt: skip


def some_events(chance: Random, n: int, first_day: int, last_day: int) -> list[Event]:
    """Views, pings, clicks, banners and vitals of few people around midnights; an id ends in its session."""
    found = []
    for _ in range(n):
        minute = chance.choice([chance.randint(0, 1439), chance.randint(1415, 1439), chance.randint(0, 25)])
        at = datetime(2024, 1, 1) + timedelta(days=chance.randint(first_day, last_day), minutes=minute)
        action = chance.choice(["page_view", "page_view", "page_ping", "click", "cmp_visible", "web_vitals"])
        page = f'"page_view_id": "{chance.choice("pqr")}", ' if chance.random() < 0.8 else ""
        data = f'{{"_metadata": {{{page}"scroll_y": {chance.randint(0, 99)}, "lcp_ms": {chance.randint(1, 9)}}}}}'
        event_id = f"{chance.getrandbits(40):x}.{chance.choice(['', '', 'v', 'w'])}"
        subject = chance.choice("abcdefg")
        found.append(Event(event_id, subject, at.strftime("%Y-%m-%d %H:%M"), action=action, data=data))
    return found


def rewrite(project: Project, log: list[Event], days: set[date]) -> None:
    """Whole days from what is left of the log, with the sessions that the ids name."""
    project.replace_days([event for event in log if event.occurred_at.date() in days], days=days)
    with project.database.connect("privacy") as conn:
        conn.execute(
            "update safe.pseudonymous_events set session = nullif(split_part(event_id, '.', 2), '')"
            " where event_day = any(%s)",
            (list(days),),
        )


def test_any_history_equals_a_full_refresh(built: Built) -> None:
    """Arrivals, late ones that join and split sessions over midnight, and an erasure."""
    project = built.project
    chance = Random(4)  # noqa: S311
    chosen = ("--select", "stg_web_events", *(name.split(".")[1] for name in INCREMENTAL))
    log: list[Event] = []
    for n, first, last in ((90, 0, 8), (40, 2, 9)):
        gone = [event for event in log if event.subject in {"a", "b"}]
        new = some_events(chance, n, first, last)
        log = [event for event in log if event not in gone] + new
        rewrite(project, log, {event.occurred_at.date() for event in (*new, *gone)})
        assert project.run("run", *chosen), project.output.read_text()
    contents = project.contents(INCREMENTAL)
    assert all(contents.values())
    assert project.run("run", "--full-refresh", *chosen), project.output.read_text()
    assert project.contents(INCREMENTAL) == contents
