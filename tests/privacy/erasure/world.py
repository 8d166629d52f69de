"""A small home written row by row: a person known by two ids, two others, in every kind of store."""

from __future__ import annotations

import hashlib
import hmac
import json
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from privacy.erasure.keys import blinder
from privacy.erasure.ledger import Ledger
from privacy.erasure.rows import anonymous_ids
from privacy.erasure.sealed import associated_data
from privacy.erasure.stores import Stores
from privacy.osint.findings import Finding
from privacy.osint.importing import seal
from privacy.pseudonyms import ANONYMOUS, PSEUDONYMOUS, subject_tokens
from privacy.vault import Vault
from warehouse.database import ADMIN, Database

PERSON, ALIAS, OTHER, THIRD = "user-ada-0001", "ada@example.org", "user-bob-0002", "user-cyd-0003"
EVERYBODY = (PERSON, ALIAS, OTHER, THIRD)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)
SETS = ("churn-old", "churn-new")
# What dbt would make, with the least columns that carry.
TABLES = {
    "aggregates.agg_user_fragments": "subject text, event_day date, n_events int",
    "aggregates.agg_user_day": "subject text, event_day date, n_events int",
    "aggregates.agg_company_day": "company text, event_day date, n bigint",
    "sessions.ses_sessions": "subject text, n_events int",
    "features.ftr_user_weekly": "cutoff_on date, subject text, n_events int",
    "features.lbl_user_churn": "cutoff_on date, subject text, is_churned boolean",
}
EVENTS = "select event_id, subject, company, event_day from {{ source('safe', 'pseudonymous_events') }}"
OF_DAY = "select subject, event_day, count(*)::int as n_events from {{ ref('stg_training_events') }} group by 1, 2"
OF_COMPANY = "select company, event_day, count(*) as n from {{ ref('stg_personalization_events') }} group by 1, 2"
OF_CUTOFF = (
    "select event_day as cutoff_on, subject, n_events, n_events > 1 as is_churned from {{ ref('agg_user_day') }}"
)
CODE = {
    "staging.stg_training_events": EVENTS,
    "staging.stg_personalization_events": EVENTS,
    "aggregates.agg_user_fragments": OF_DAY,
    "aggregates.agg_user_day": OF_DAY,
    "aggregates.agg_company_day": OF_COMPANY,
    "sessions.ses_sessions": "select subject, n_events from {{ ref('agg_user_fragments') }}",
    "features.ftr_user_weekly": OF_CUTOFF,
    "features.lbl_user_churn": OF_CUTOFF,
}


@dataclass(slots=True)
class Members:
    """Stands for the models: memberships are in the database, marks are kept here."""

    database: Database
    tainted: dict[str, str] = field(default_factory=dict)

    def members(self, tokens: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        made = {name: [blinded(token, name) for token in tokens] for name in SETS}
        with self.database.connect("erasure") as conn:
            rows = conn.execute("select training_set_id, blinded_subject from ml.training_subjects").fetchall()
        found = {(name, bytes(member)) for name, member in rows}
        return {n: hits for n, ms in made.items() if (hits := [m for m in ms if (n, m) in found])}

    def taint(self, training_sets: Collection[str], *, cause: str, now: datetime) -> Sequence[Mapping[str, Any]]:
        del now
        self.tainted |= dict.fromkeys(training_sets, cause)
        return [{"model": "churn", "training_set": name} for name in sorted(training_sets)]


def blinded(token: str, training_set: str) -> bytes:
    return hmac.digest(training_set.encode(), token.encode(), "sha256")


def manifest() -> dict[str, Any]:
    """As dbt would write it, with nothing that carriers do not read."""
    source = {"source_name": "safe", "name": "pseudonymous_events", "schema": "safe"}
    nodes = {}
    for place, code in CODE.items():
        schema, name = place.split(".")
        read = [f"model.lethe.{other.split('.')[1]}" for other in CODE if other.split(".")[1] in code]
        nodes[f"model.lethe.{name}"] = {
            "name": name, "schema": schema, "resource_type": "model", "package_name": "lethe",
            "raw_code": code, "config": {}, "depends_on": {"nodes": read},
        }  # fmt: skip
    return {"nodes": nodes, "sources": {"source.lethe.safe": source}, "macros": {}}


def build(database: Database, home: Path) -> Stores:
    """Write the world and return its stores."""
    home.mkdir(parents=True, exist_ok=True)
    vault = Vault.open(home / "vault")
    tokens = subject_tokens(EVERYBODY, vault.salts(EVERYBODY), vault.purpose_key(PSEUDONYMOUS))
    with database.connect("dbt") as conn:
        for name, columns in TABLES.items():
            conn.execute(f"create table {name} ({columns})".encode())
        for name in ("stg_training_events", "stg_personalization_events"):
            conn.execute(
                f"create view staging.{name} as select event_id, subject, company, event_day "
                "from safe.pseudonymous_events".encode()
            )
    _write_events(database, vault, tokens)
    _write_derived(database, vault, tokens)
    _write_files(home, tokens)
    with database.connect("privacy") as conn:
        conn.execute(
            "insert into consent.consent_events (subject, purpose, decision, decided_at, received_at, source, method, "
            "fingerprint) select u, 'analytics', 'grant', %s, %s, 'test', 'accept', sha256(u::bytea) "
            "from unnest(%s::text[]) as u",
            (NOW, NOW, list(EVERYBODY)),
        )
    ledger = Ledger(home / "erasures" / "ledger.jsonl", blinder(vault))
    return Stores(database, vault, ledger, home, Members(database), manifest())


def insert_event(
    database: Database, user: str | None, number: int, *, data: str = "{}", persona: str | None = None
) -> None:
    """One raw event with its key, as an import would store it."""
    name = f"event-{user}-{number}"
    digest = hashlib.sha256(name.encode()).digest()
    day = DAY + timedelta(days=number % 3)
    with database.connect("collection") as conn:
        conn.execute("select raw.ensure_partitions(%s, %s)", (day, day))
        conn.execute(
            "insert into raw.system_logs (id, user_id, persona_id, event_type, event_source, action, data, "
            "data_classification, retention_policy, created_at, received_at, source, fingerprint, event_day) values "
            "(%s, %s, %s, 'ui', 'web', 'click', %s, 'personal', 'long_term', %s, %s, 'web', %s, %s)",
            (name, user, persona or (f"persona-{user}" if user else None), data, NOW, NOW, digest, day),
        )
        conn.execute("insert into raw.event_keys values ('web', %s, %s, %s)", (name, digest, day))
        conn.execute(
            "insert into raw.event_days values (%s, 1, 1) on conflict (event_day) do update set n_events = "
            "event_days.n_events + 1",
            (day,),
        )


def _write_events(database: Database, vault: Vault, tokens: Mapping[str, str]) -> None:
    for user in EVERYBODY:
        for number in range(4):
            insert_event(database, user, number)
    insert_event(database, None, 1, persona=f"persona-{PERSON}")
    insert_event(database, OTHER, 9, data=json.dumps({"assignee": PERSON, "note": f"mail {ALIAS} please"}))
    with database.connect("admin") as conn:
        rows = conn.execute("select user_id, source, id, event_day from raw.system_logs where user_id is not null")
        events = rows.fetchall()
        made = anonymous_ids(vault.purpose_key(ANONYMOUS), [e[1] for e in events], [e[2] for e in events])
        for (user, _, name, day), anonymous in zip(events, made, strict=True):
            conn.execute(
                "insert into safe.pseudonymous_events (event_id, subject, company, event_type, event_source, action, "
                "data, occurred_at, received_at, event_day, purposes) "
                "values (%s, %s, 'c_1', 'ui', 'web', 'click', '{}', %s, %s, %s, '{}')",
                (hashlib.sha256(name.encode()).hexdigest(), tokens[user], NOW, NOW, day),
            )
            conn.execute(
                "insert into safe.anonymous_events values (%s, 'c_1', 'ui', 'web', null, 'click', '{}', %s, %s)",
                (anonymous, NOW, day),
            )
        conn.execute(
            "insert into safe.event_days select event_day, 1, 'd', count(*), count(*), count(*), count(*), 1 "
            "from safe.pseudonymous_events group by 1"
        )
    with database.connect("collection") as conn:
        for number, user in enumerate((PERSON, OTHER, ALIAS), 1):
            content = b"json\n" + json.dumps({"user_id": user, "data": {"x": 1}}).encode()
            sealed = vault.seal(content, associated_data("import-1", number))
            conn.execute(
                "insert into raw.quarantine (import_id, record_no, source, file, code, sealed, quarantined_at) "
                "values ('import-1', %s, 'web', 'f', 'bad', %s, %s)",
                (number, sealed, NOW),
            )


def _write_derived(database: Database, vault: Vault, tokens: Mapping[str, str]) -> None:
    """What dbt and the model stage would have made."""
    with database.connect("dbt") as conn:
        for token in tokens.values():
            conn.execute("insert into aggregates.agg_user_fragments values (%s, %s, 2)", (token, DAY))
            conn.execute("insert into aggregates.agg_user_day values (%s, %s, 2)", (token, DAY))
            conn.execute("insert into sessions.ses_sessions values (%s, 2)", (token,))
            conn.execute("insert into features.ftr_user_weekly values (%s, %s, 2)", (DAY, token))
            conn.execute("insert into features.lbl_user_churn values (%s, %s, true)", (DAY, token))
        conn.execute("insert into aggregates.agg_company_day values ('c_1', %s, 8)", (DAY,))
    with database.connect("ml") as conn, database.connect("privacy") as people:
        for name in SETS:
            conn.execute("insert into ml.training_sets values (%s, 'd', '{}', 4, 4, %s)", (name, NOW))
        for user, token in tokens.items():
            for name in SETS if user != PERSON else SETS[:1]:
                conn.execute("insert into ml.training_subjects values (%s, %s)", (name, blinded(token, name)))
            (sealed,) = seal(vault, [Finding(user, "profile", json.dumps(user).encode(), NOW)], {user: token})
            people.execute(
                "insert into privacy.osint_findings values (%s, 'github', 'profile', %s, %s, %s, 'anna', %s)",
                (token, sealed, NOW, NOW, NOW),
            )
            conn.execute(
                "insert into ml.predictions values ('churn', 1, %s, %s, 0.5, 'published', %s)", (DAY, token, NOW)
            )
    with database.connect(ADMIN, autocommit=True) as conn:
        conn.execute("analyze")


def _write_files(home: Path, tokens: Mapping[str, str]) -> None:
    for folder in ("logs", "exports", "landing"):
        (home / folder).mkdir()
    lines = [json.dumps({"event": "ISSUE", "decision": f"scored {token}"}) for token in tokens.values()]
    (home / "logs" / "decisions-2026-03-02.jsonl").write_text("\n".join(lines) + "\n")
    (home / "landing" / "events.csv").write_text("".join(f"{user},click\n" for user in EVERYBODY))
    with zipfile.ZipFile(home / "exports" / "package.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.json", json.dumps([{"user_id": PERSON}]))
    with zipfile.ZipFile(home / "exports" / "other.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.json", json.dumps([{"user_id": OTHER}]))


def contents(stores: Stores) -> dict[str, list[str]]:
    """Every row of every table as text, and every file, by name: what a test compares and searches."""
    found: dict[str, list[str]] = {}
    with stores.database.connect(ADMIN) as conn:
        tables = conn.execute(
            "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = relnamespace "
            "where relkind in ('r', 'p') and not relispartition and nspname !~ '^(pg_|information)'"
        ).fetchall()
        for (table,) in tables:
            found[table] = sorted(row[0] for row in conn.execute(f"select t::text from {table} as t".encode()))
        found["pg_stats"] = [row[0] for row in conn.execute("select s::text from pg_stats as s")]
    for path in sorted(stores.home.rglob("*")):
        if path.is_file():
            found[f"file {path.relative_to(stores.home)}"] = [path.read_bytes().decode("latin-1")]
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    found[f"file {path.relative_to(stores.home)}"] += [
                        archive.read(n).decode() for n in archive.namelist()
                    ]
    return found
