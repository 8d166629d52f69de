"""What a peer's tables call ours, what we do not carry and why, and how cells are compared. No assertions here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Key = tuple[str, ...]

ADDRESS = {f"page_url{part}": f"page_{part}" for part in ("scheme", "host", "path")}
REFERRER = {f"refr_url{part}": f"referrer_{part}" for part in ("scheme", "host", "path")}
MARKETING = {f"mkt_{part}": f"marketing_{part}" for part in ("medium", "source", "campaign", "network")}
BROWSER = {"os_timezone": "timezone", "os_family": "os", "useragent_family": "browser", "device_class": "device"}
SIZES = {
    "doc_width": "page_width", "doc_height": "page_height", "br_viewwidth": "view_width",
    "br_viewheight": "view_height", "horizontal_pixels_scrolled": "scroll_x", "vertical_pixels_scrolled": "scroll_y",
    "horizontal_percentage_scrolled": "width_seen_percent", "vertical_percentage_scrolled": "height_seen_percent",
}  # fmt: skip
TIMES = {
    "start_tstamp": "started_at", "end_tstamp": "ended_at", "engaged_time_in_s": "engaged_seconds",
    "absolute_time_in_s": "absolute_seconds",
}  # fmt: skip

PAGE_VIEWS = {
    "event_id": "event_id", "domain_userid": "person", "original_domain_userid": "person",
    "domain_sessionid": "session_id", "page_view_in_session_index": "place_in_session",
    "page_views_in_session": "n_page_views_in_session", "page_title": "page_title", "geo_country": "country",
    "br_lang": "language",
} | TIMES | ADDRESS | REFERRER | MARKETING | BROWSER | SIZES  # fmt: skip


# Ids that no test can make anew: each of ours must stand for one of theirs. A login is one within its person.
RENAMED = {"page_view_id": "page_view", "user_id": "persona", "app_id": "company"}


def first_and_last(ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    """The columns of a first and a last page in both words."""
    return {f"{end}_{name}": f"{end}_{column}" for end in ("first", "last") for name, column in (ours | theirs).items()}


PAGES = first_and_last(ADDRESS, {"page_title": "page_title"})
SESSIONS = {
    "domain_sessionid": "session_id", "domain_userid": "person", "page_views": "n_page_views",
    "total_events": "n_events", "geo_country": "country", "last_geo_country": "last_country", "br_lang": "language",
    "last_br_lang": "last_language",
} | TIMES | PAGES | REFERRER | MARKETING | BROWSER  # fmt: skip
USERS = {
    "domain_userid": "person", "page_views": "n_page_views", "sessions": "n_sessions",
    "start_tstamp": "started_at", "end_tstamp": "ended_at", "engaged_time_in_s": "engaged_seconds",
} | PAGES | REFERRER | MARKETING | first_and_last({"geo_country": "country"}, {"br_lang": "language"})  # fmt: skip
CONSENT_LOG = {
    "event_id": "event_id", "domain_userid": "person", "domain_sessionid": "session_id",
    "geo_country": "country", "page_view_id": "page_view", "derived_tstamp": "occurred_at", "event_name": "action",
    "event_type": "consent_type", "basis_for_processing": "consent_basis", "consent_url": "consent_url",
    "consent_version": "consent_version", "consent_scopes": "consent_scopes", "domains_applied": "consent_domains",
    "gdpr_applies": "gdpr_applies", "cmp_load_time": "banner_seconds",
}  # fmt: skip
CONSENT_USERS = {
    "domain_userid": "person", "cmp_events": "n_banners", "consent_events": "n_answers",
    "last_cmp_event_tstamp": "last_banner_at", "last_consent_event_tstamp": "last_answer_at",
    "last_consent_event_type": "last_consent_type", "last_consent_scopes": "last_consent_scopes",
    "last_consent_version": "last_consent_version", "last_consent_url": "last_consent_url",
    "last_domains_applied": "last_consent_domains", "is_latest_version": "is_latest_version",
}  # fmt: skip
CONSENT_VERSIONS = {
    "consent_version": "consent_version", "consent_scopes": "consent_scopes", "consent_url": "consent_url",
    "domains_applied": "consent_domains", "is_latest_version": "is_latest_version",
    "version_start_tstamp": "started_at", "last_allow_all_event": "last_allowed_at",
}  # fmt: skip
CONSENT_TOTALS = {
    "consent_version": "consent_version", "allow_all": "allow_all", "allow_selected": "allow_selected",
    "denied": "denied", "expired": "expired", "withdrawn": "withdrawn", "implicit_consent": "implicit",
}  # fmt: skip

# Why a column of theirs has none of ours. Those of SAME hold one value in every row: there is nothing to compare.
SAME = "one value in every row"
NOT_OURS = {
    "who or which machine it was": ("user_ipaddress", "useragent", "network_userid"),
    "a screen's fingerprint": ("br_colordepth", "screen_resolution"),
    "a place finer than the country": (
        "geo_region", "geo_region_name", "geo_city", "geo_zipcode", "geo_latitude", "geo_longitude", "geo_timezone",
        "first_geo_city", "last_geo_city", "first_geo_region_name", "last_geo_region_name",
    ),
    "an address with its query, which can hold anything": (
        "page_url", "page_urlquery", "page_referrer", "refr_urlquery", "first_page_url", "first_page_urlquery",
        "last_page_url", "last_page_urlquery", "referrer", "mkt_clickid", "mkt_source_platform",
    ),
    "another clock or count of the tracker": (
        "dvce_created_tstamp", "collector_tstamp", "v_collector", "domain_sessionidx", "load_tstamp",
        "last_processed_event",
    ),
    "a list of the peer's put beside a code": (
        "default_channel_group", "content_group", "geo_country_name", "geo_continent", "last_geo_country_name",
        "last_geo_continent", "first_geo_country_name", "first_geo_continent", "br_lang_name", "last_br_lang_name",
        "first_br_lang_name",
    ),
    "a later login written back onto earlier rows": ("stitched_user_id",),
    "conversions, by settings of the peer's tests": (
        "is_engaged", "cv_view_page_volume", "cv_view_page_events", "cv_view_page_values", "cv_view_page_total",
        "cv_view_page_first_conversion", "cv_view_page_converted", "cv__all_volume", "cv__all_total",
    ),
    "another column once more": (
        "event_id2", "original_domain_sessionid", "derived_tstamp", "event_counts", "first_event_id2",
        "last_event_id2", "allow", "total_visitors",
    ),
    "the browser that a session of several began with: ours has one": ("original_domain_userid",),
    "the login and application of a session: ours are those of its page views": ("user_id", "app_id"),
    "the event that the peer took a row's words from": ("event_id", "first_event_id", "last_event_id"),
    "times of the version once more": ("version_start_tstamp", "last_allow_all_event", "is_latest_version"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows that only one of us has, cells that differ, and how many rows and columns were compared."""

    ours_only: frozenset[Key]
    theirs_only: frozenset[Key]
    cells: frozenset[tuple[Key, str]]
    n_rows: int
    n_columns: int


def compare(ours: Mapping[Key, Row], theirs: Mapping[Key, Row], columns: Mapping[str, str]) -> Comparison:
    """Cell by cell, where both have the row. columns: their name -> ours."""
    both = ours.keys() & theirs.keys()
    cells = {
        (key, theirs_name)
        for key in both
        for theirs_name, name in columns.items()
        if spelled(ours[key][name]) != spelled(theirs[key][theirs_name])
    }
    return Comparison(
        frozenset(ours.keys() - theirs.keys()),
        frozenset(theirs.keys() - ours.keys()),
        frozenset(cells),
        len(both),
        len(columns),
    )


def spelled(value: Any) -> str:
    """A cell of either side in one spelling: numbers without trailing zeros, times to the millisecond, no null."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return f"{Decimal(str(value)).normalize():f}"
    except ArithmeticError:
        return value.lower() if str(value) in ("TRUE", "FALSE") else str(value)


def unexplained(table: Sequence[Row], columns: Mapping[str, str]) -> set[str]:
    """Their columns that are neither mapped, nor named with a reason, nor the same in every row."""
    named = {name for names in NOT_OURS.values() for name in names}
    found = set(table[0]) - columns.keys() - named
    return {name for name in found if len({row[name] for row in table}) > 1}


def is_one_to_one(pairs: Iterable[tuple[Any, Any]]) -> bool:
    """Whether two ways to name things agree on which are the same."""
    found = set(pairs)
    return len({ours for ours, _ in found}) == len(found) == len({theirs for _, theirs in found})
