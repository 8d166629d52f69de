"""A proposed ruling for an unknown path, from its name and from sampled values. Values are profiled, never kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

SAMPLE = 200
MIN_SAMPLE = 30
MAX_CATEGORIES = 20
MAX_CATEGORY_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a steward may want to rule, and why; it is never applied by itself."""

    klass: str
    kind: str
    why: str


# Key names decide first, the more dangerous meaning before the harmless one.
NAMES = tuple(
    (re.compile(pattern), klass, kind)
    for pattern, klass, kind in (
        (r"passw|secret|token|api_?key|credential|health|religio|ethnic|gender|sex$", "sensitive", "text"),
        (r"e?mail", "personal", "email"),
        (r"phone|mobile|^tel", "personal", "phone"),
        (r"ssn|social_sec", "personal", "ssn"),
        (r"card|^pan$", "personal", "credit_card"),
        (r"(^|_)ip(_|$|v4|v6)|ip_?addr", "personal", "ip_address"),
        (r"birth|^dob$", "personal", "date_of_birth"),
        (r"(first|last|full|user|display|real)_?name|^name$|author", "personal", "full_name"),
        (
            r"note|comment|message|text|body|prompt|response|descr|query|title|subject$|address|street",
            "personal",
            "free_text",
        ),
        (r"url|uri|referr?er|link", "personal", "url"),
        (r"(^|_)(id|uuid|guid|key|hash)$|Id$", "pseudonymized", "id"),
        (r"^(is|has|was|can)_|enabled$", "non_personal", "boolean"),
        (r"amount|price|cost|revenue|total$", "non_personal", "amount"),
        (r"^n_|count|num(ber)?_|quantity|_len(gth)?$|size", "non_personal", "count"),
        (r"duration|latency|_ms$|seconds", "non_personal", "duration"),
        (r"_at$|timestamp|_time$", "non_personal", "timestamp"),
        (r"_on$|date", "non_personal", "date"),
    )
)
TYPES = {"boolean": {"boolean"}, "number": {"amount", "count", "duration"}, "string": {"timestamp", "date"}}
LOOKS = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"[^\s@]+@[^\s@]+\.[^\s@]+", "email"),
        (r"(\d{1,3}\.){3}\d{1,3}", "ip_address"),
        (r"\d{3}-\d{2}-\d{4}", "ssn"),
        (r"(\d[ -]?){13,19}", "credit_card"),
        (r"\+?\(?\d[\d ().-]{7,}\d", "phone"),
    )
)


def propose(path: str, values: Sequence[tuple[str, str]]) -> Proposal:
    """A proposal from the path's last name and (JSON type, text) samples; without evidence: personal free text."""
    for pattern, kind in LOOKS:
        n_hits = sum(1 for type_, text in values if type_ == "string" and pattern.search(text))
        if n_hits:
            return Proposal("personal", kind, f"{n_hits} of {len(values)} sampled values look like {kind}")
    types = {type_ for type_, _ in values if type_ != "null"}
    name = next((part for part in reversed(path.split("/")) if part not in ("*", "?")), "")
    for pattern, klass, kind in NAMES:
        fits = not types or all(kind in TYPES.get(t, set()) for t in types)
        if pattern.search(name) and (klass != "non_personal" or fits):
            return Proposal(klass, kind, f"named {name!r}")
    return _by_profile(values, types)


def _by_profile(values: Sequence[tuple[str, str]], types: set[str]) -> Proposal:
    if types == {"boolean"}:
        return Proposal("non_personal", "boolean", "every sampled value is true or false")
    if types == {"number"}:
        return Proposal("non_personal", "number", "every sampled value is a number")
    distinct = {text for _, text in values}
    few = len(distinct) <= MAX_CATEGORIES and all(len(text) <= MAX_CATEGORY_LENGTH for text in distinct)
    if types == {"string"} and len(values) >= MIN_SAMPLE and few:
        return Proposal("non_personal", "category", f"{len(distinct)} distinct short words in {len(values)} values")
    return Proposal("personal", "free_text", "nothing shows that it names nobody")


def sample(conn: psycopg.Connection, event_type: str, path: str) -> list[tuple[str, str]]:
    """(JSON type, text) of up to SAMPLE values at a path on the days where it was found. Held in memory only."""
    parts = path.split("/")[1:]
    if parts[0] not in ("data", "metadata", "client_info") or "?" in parts or parts[-1] == "*":
        return []
    steps = "".join("[*]" if part == "*" else '."' + part + '"' for part in parts[1:])
    query = (
        f"select jsonb_typeof(value), value #>> '{{}}' from raw.system_logs, "
        f"jsonb_path_query({parts[0]}, %s::jsonpath) as value where event_type = %s and event_day in "
        "(select event_day from privacy.unknown_paths u where u.event_type = %s and u.path = %s "
        "order by event_day desc limit 7) limit %s"
    )
    rows = conn.execute(query.encode(), (f"lax ${steps}", event_type, event_type, path, SAMPLE)).fetchall()
    return [(str(type_), str(text)) for type_, text in rows]
