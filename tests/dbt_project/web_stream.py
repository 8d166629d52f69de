"""A peer's web events through our importer and privacy transform, and what it expects of them. No assertions here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collection.importer import ImportReport, import_files
from collection.mapping import Mapping, load_mapping
from collection.store import imported_subjects
from privacy.classification import load_rules
from privacy.consent import record_imported_evidence
from privacy.event_ids import event_ids, hexadecimal
from privacy.pseudonyms import Keyring, subject_tokens, tokens_of
from privacy.transform import pending_days, transform_days
from privacy.vault import Vault
from tests.privacy.web_consent import read
from warehouse.database import Database

EXAMPLES = Path(__file__).parents[2] / "examples" / "web_events"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTEXTS = ("contexts_", "unstruct_event_")
NUMBERS = frozenset(
    {
        "br_viewwidth", "br_viewheight", "doc_width", "doc_height", "pp_xoffset_max", "pp_yoffset_max", "elapsed_time",
    }
)  # fmt: skip


def as_stream(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """The events as the tracker's stream writes them: numbers as numbers, contexts as arrays, nothing for no value."""
    for row in rows:
        event: dict[str, Any] = {}
        for name, text in row.items():
            if text in ("", "null"):
                continue
            if name.startswith(CONTEXTS):
                event[name] = [_context(item) for item in json.loads(text)]
            else:
                event[name] = float(text) if name in NUMBERS else text
        if "event_id" in event:
            yield event


def _context(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {
        name: float(value) if name in NUMBERS else None if value == "null" else value for name, value in item.items()
    }


def write_stream(source: Path, target: Path) -> Path:
    """A CSV file of events as JSON lines."""
    target.write_text("".join(json.dumps(event) + "\n" for event in as_stream(read(source))))
    return target


def take_in(database: Database, vault: Vault, file: Path, mapping: Mapping) -> ImportReport:
    """Import a file, put its rules into force, and record its stated basis as consent."""
    with database.connect("privacy") as conn:
        load_rules(conn, mapping.classification, NOW)
    with database.connect("collection") as conn:
        report = import_files(conn, [file], mapping, seal=vault.seal, now=NOW, has_basis=True)
        subjects = dict(imported_subjects(conn, list(report.import_ids)))
    with database.connect("privacy") as conn:
        purposes, reason = mapping.consent["purposes"], mapping.consent["reason"]
        record_imported_evidence(conn, subjects, purposes, mapping.source, reason, NOW)
    return report


def make_safe(database: Database, vault: Vault, shared: Path, folder: Path) -> tuple[ImportReport, ImportReport]:
    """Both files of the peer from CSV to safe rows."""
    reports = []
    for name, mapping in (("snowplow_web_events", "stream.yaml"), ("snowplow_web_vital_events", "vitals.yaml")):
        file = write_stream(shared / "web_events" / f"{name}.csv", folder / f"{name}.jsonl")
        reports.append(take_in(database, vault, file, load_mapping(EXAMPLES / mapping)))
    with database.connect("privacy") as conn:
        transform_days(conn, pending_days(conn), vault)
    return reports[0], reports[1]


@dataclass(frozen=True, slots=True)
class Raw:
    """The peer's events by id, and what our keyed ids stand for."""

    events: AnyMapping[str, AnyMapping[str, str]]
    of_event: AnyMapping[str, str]
    of_subject: AnyMapping[str, str]
    of_session: AnyMapping[str, str]


def raw_of(vault: Vault, shared_data: Path) -> Raw:
    """The raw events, and every keyed id of theirs made anew from the vault's keys."""
    import pyarrow as pa

    events = {row["event_id"]: row for row in read(shared_data / "web_events" / "snowplow_web_events.csv")[::-1]}
    ids = list(events)
    key = Keyring.of(vault).pseudonymous
    sources = pa.array(["web_stream"] * len(ids)).dictionary_encode()
    keyed = hexadecimal(event_ids(key, sources, pa.array(ids))).to_pylist()
    people = {event["domain_userid"] or event["user_id"] for event in events.values()}
    tokens = subject_tokens(people, vault.salts(people), key)
    pairs = {(tokens[e["domain_userid"] or e["user_id"]], e["domain_sessionid"]) for e in events.values()}
    sessions = zip(tokens_of(key, "s", pairs), pairs, strict=True)
    return Raw(
        events,
        dict(zip(keyed, ids, strict=True)),
        {token: person for person, token in tokens.items()},
        {token: session for token, (_, session) in sessions},
    )
