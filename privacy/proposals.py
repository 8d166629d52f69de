"""A proposed ruling for an unknown path, from its name and from sampled values. Values are profiled, never kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from privacy.detection import findings
from privacy.detection.fields import field_of
from privacy.labels import is_telling

if TYPE_CHECKING:
    from privacy.detection.names import NameFinder

SAMPLE = 200
MIN_SAMPLE = 30
MAX_CATEGORIES = 20
MAX_CATEGORY_LENGTH = 40
WHOLE = 0.8  # of a value's characters: the value is the finding, not a text that holds one
NAMED_SHARE = 0.5  # of values that read as a name: lists of names hold ordinary words too
LUHN_NOISE = 0.3  # one number in ten passes Luhn by chance, so fewer cards than this are none


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a steward may want to rule, and why; it is never applied by itself.

    confidence is in 0..1 and orders proposals; it is a weight of the evidence, not a measured probability.
    """

    klass: str
    kind: str
    why: str
    confidence: float


# Key names, the more dangerous meaning before the harmless one, and how much a name alone says.
NAMES = tuple(
    (re.compile(pattern), klass, kind, weight)
    for pattern, klass, kind, weight in (
        (r"passw|secret|token|api_?key|credential|health|religio|ethnic|gender|sex$", "sensitive", "text", 0.8),
        (r"e?mail", "personal", "email", 0.8),
        (r"phone|mobile|^tel|msisdn", "personal", "phone", 0.8),
        (r"ssn|social_sec", "personal", "ssn", 0.8),
        (r"iban", "personal", "iban", 0.8),
        (r"card|^pan$", "personal", "credit_card", 0.7),
        (r"(^|_)ip(_|$|v4|v6)|ip_?addr", "personal", "ip_address", 0.8),
        (r"birth|^dob$", "personal", "date_of_birth", 0.8),
        (r"(first|last|full|user|display|real)_?name|^name$|author", "personal", "full_name", 0.7),
        (
            r"note|comment|message|text|body|prompt|response|descr|query|title|subject$|address|street",
            "personal",
            "free_text",
            0.6,
        ),
        (r"url|uri|referr?er|link", "personal", "url", 0.7),
        (r"(^|_)(id|uuid|guid|key|hash)$|Id$", "pseudonymized", "id", 0.7),
        (r"^(is|has|was|can)_|enabled$", "non_personal", "boolean", 0.7),
        (r"amount|price|cost|revenue|total$", "non_personal", "amount", 0.7),
        (r"^n_|count|num(ber)?_|quantity|_len(gth)?$|size", "non_personal", "count", 0.7),
        (r"duration|latency|_ms$|seconds", "non_personal", "duration", 0.7),
        (r"_at$|timestamp|_time$", "non_personal", "timestamp", 0.7),
        (r"_on$|date", "non_personal", "date", 0.7),
    )
)
TYPES = {"boolean": {"boolean"}, "number": {"amount", "count", "duration"}, "string": {"timestamp", "date"}}


def propose(path: str, values: Sequence[tuple[str, str]], names: NameFinder | None = None) -> Proposal:
    """A proposal from the path's last name and (JSON type, text) samples; without evidence: personal free text.

    What sampled values look like goes before the name, unless the name says sensitive. names: also look for people.
    """
    types = {type_ for type_, _ in values if type_ != "null"}
    named = _by_name(path, types)
    if named and named.klass == "sensitive":
        return named
    detected = _by_detection(path, [text for type_, text in values if type_ == "string"], names)
    if detected and named and detected.kind == named.kind:
        both = 1 - (1 - detected.confidence) * (1 - named.confidence)
        return Proposal(detected.klass, detected.kind, f"{detected.why}; {named.why}", round(both, 2))
    return detected or named or _by_profile(values, types)


def _by_name(path: str, types: set[str]) -> Proposal | None:
    name = next((part for part in reversed(path.split("/")) if part not in ("*", "?")), "")
    for pattern, klass, kind, weight in NAMES:
        fits = not types or all(kind in TYPES.get(t, set()) for t in types)
        if pattern.search(name) and (klass != "non_personal" or fits):
            return Proposal(klass, kind, f"named {name!r}", weight)
    return None


def _by_detection(path: str, texts: Sequence[str], names: NameFinder | None) -> Proposal | None:
    """The kind that most values hold. Any finding makes a path personal; a kind only where values are the finding."""
    from privacy.detection.patterns import find_patterns

    field = field_of(path, texts)
    held: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for text in texts:
        found = find_patterns(text, field)
        if not found and names is not None and len(text) <= MAX_CATEGORY_LENGTH:
            found = names.find(text)
        held.update({finding.kind for finding in found})
        whole.update({f.kind for f in found if f.end - f.start >= WHOLE * len(text.strip())})
    for kind, least in ((findings.FULL_NAME, NAMED_SHARE), (findings.CREDIT_CARD, LUHN_NOISE)):
        if held[kind] < least * len(texts):
            del held[kind]
    if not held:
        return None
    kind, n_hits = held.most_common(1)[0]
    confidence = round(0.5 + 0.49 * n_hits / len(texts), 2)
    if kind == findings.SECRET:
        return Proposal(
            "sensitive", "text", f"{n_hits} of {len(texts)} sampled values hold a key or password", confidence
        )
    if whole[kind] * 2 < n_hits:
        return Proposal("personal", "free_text", f"{n_hits} of {len(texts)} sampled values hold {kind}", confidence)
    return Proposal("personal", kind, f"{n_hits} of {len(texts)} sampled values look like {kind}", confidence)


def _by_profile(values: Sequence[tuple[str, str]], types: set[str]) -> Proposal:
    if types == {"boolean"}:
        return Proposal("non_personal", "boolean", "every sampled value is true or false", 0.9)
    if types == {"number"}:
        return Proposal("non_personal", "number", "every sampled value is a number", 0.6)
    distinct = {text for _, text in values}
    short = all(len(text) <= MAX_CATEGORY_LENGTH and not is_telling(text) for text in distinct)
    few = short and len(distinct) <= MAX_CATEGORIES
    if types == {"string"} and len(values) >= MIN_SAMPLE and few:
        return Proposal(
            "non_personal", "category", f"{len(distinct)} distinct short words in {len(values)} values", 0.6
        )
    return Proposal("personal", "free_text", "nothing shows that it names nobody", 0.2)


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
