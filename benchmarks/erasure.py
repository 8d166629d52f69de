"""One person among millions of events: erased, counted, searched for and signed. `python -m benchmarks.erasure`.

The events are made by SQL in an embedded PostgreSQL, and so are rows of every table of dbt's that the registry of
people knows: a new one is measured from its first day. Vectors of texts are left out. The bar is 60 s at 10 million
events; no peer proves an erasure (Fides masks and reports, Mozilla deletes in cycles of 28 days).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from privacy.erasure.erasure import erase
from privacy.erasure.keys import blinder
from privacy.erasure.ledger import Ledger
from privacy.erasure.receipt import check
from privacy.erasure.stores import Stores
from privacy.erasure.targets import TARGETS, Rule
from privacy.pseudonyms import PSEUDONYMOUS, subject_tokens
from privacy.vault import Vault
from tests.homes import make_home
from tests.privacy.erasure import world
from warehouse.database import ADMIN, Database
from warehouse.roles import DBT_SCHEMAS
from warehouse.subjects import SUBJECT_TABLES

BAR_SECONDS = 60
COMPANIES = "aggregates.agg_company_day"
PER_USER = 200
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERSON = "user-0000007"
DATA = """jsonb_build_object('page', 'p' || (n % 97), 'load_ms', n % 900, 'n_rows', n % 31, 'is_valid', n % 3 = 0)"""
USER = "'user-' || lpad((n / {per})::text, 7, '0')"
TOKEN = "'u_' || md5((n / {per})::text)"  # noqa: S105
DAY = "date '2024-01-01' + (n / 5 % 700)::int"  # a person has some five events on an active day
# Rows per event of what dbt makes, after `lethe run --events 40000`; another table has a row per person and active day.
SHARES = {
    "features.ftr_user_weekly": 0.171, "features.ftr_user_behavior_weekly": 0.171, "features.ftr_user_ai_weekly": 0.171,
    "features.ftr_user_security_weekly": 0.171, "features.ftr_user_fraud_weekly": 0.171,
    "features.lbl_user_churn": 0.142, "features.ftr_prompt_response_pairs": 0.038,
    "features.ftr_reference_corpus": 0.007, "aggregates.agg_web_fragments": 0.279,
    "sessions.ses_web_page_views": 0.279, "aggregates.agg_user_feature_day": 0.332, "aggregates.agg_funnel_steps": 0.19,
    "aggregates.agg_user_ai_day": 0.022, "aggregates.agg_user_security_day": 0.079,
    "aggregates.agg_user_requests_day": 0.049, "aggregates.agg_analytics_user_week": 0.091,
    "aggregates.agg_ai_exchanges": 0.041, "aggregates.agg_prompt_template_user_day": 0.024,
    "aggregates.agg_api_key_day": 0.023, "aggregates.agg_outcome_days": 0.015,
    "aggregates.agg_rating_pair_days": 0.012, "aggregates.agg_experiment_subjects": 0.009,
    "aggregates.agg_analytics_users": 0.009, "aggregates.agg_user_day_superseded": 0.001,
}  # fmt: skip
OF_A_DAY = 0.13
FIGURES = {"features": 40, "aggregates": 20, "sessions": 20}  # columns of eight bytes: rows as wide as dbt's


def main() -> None:
    """Build, erase, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    n_events = parser.parse_args().events
    folder = Path(tempfile.mkdtemp(prefix="lethe-erasure-"))
    home = make_home(folder / "home", is_large=True)
    try:
        database = home.database()
        began = time.monotonic()
        stores = build(database, folder / "home", n_events)
        print(f"{n_events:,} events made in {time.monotonic() - began:.0f} s, {size(database)} in PostgreSQL")
        seconds, steps = measure(stores)
        print(f"erased with proof in {seconds:.1f} s; the bar at 10 million events is {BAR_SECONDS} s")
        for step, taken in sorted(steps.items(), key=lambda item: -item[1])[:6]:
            print(f"{taken:8.2f} s  {step}")
    finally:
        home.remove()
        shutil.rmtree(folder, ignore_errors=True)


def build(database: Database, home: Path, n_events: int) -> Stores:
    """Events, safe rows and what dbt would make of them, for n_events / PER_USER people."""
    vault = Vault.open(home / "vault")
    token = subject_tokens([PERSON], vault.salts([PERSON]), vault.purpose_key(PSEUDONYMOUS))[PERSON]
    values = {"per": PER_USER}
    with database.connect("dbt") as conn:
        for name in tables():
            figures = "".join(f", f{i} double precision" for i in range(FIGURES[name.split(".")[0]]))
            conn.execute(f"create table {name} (subject text, event_day date{figures})".encode())
        conn.execute(f"create table {COMPANIES} ({world.TABLES[COMPANIES]})".encode())
        for name in ("stg_training_events", "stg_personalization_events"):
            conn.execute(
                f"create view staging.{name} as select event_id, subject, company, event_day "
                "from safe.pseudonymous_events".encode()
            )
    with database.connect(ADMIN, autocommit=True) as conn:
        conn.execute("set synchronous_commit = off")
        conn.execute("select raw.ensure_partitions('2024-01-01', '2025-12-31')")
        series = f"from generate_series(0, {n_events - 1}) as n"
        for statement in (*fill(series, values), *made(n_events)):
            conn.execute(statement.encode())
        number = int(PERSON.removeprefix("user-"))
        for table in ("safe.pseudonymous_events", "ml.risk_scores", *tables()):
            conn.execute(
                f"update {table} set subject = %s where subject = 'u_' || md5(%s)".encode(), (token, str(number))
            )
        conn.execute("vacuum analyze")
    ledger = Ledger(home / "erasures" / "ledger.jsonl", blinder(vault))
    return Stores(database, vault, ledger, home, world.Members(database), world.manifest())


def fill(series: str, values: dict[str, Any]) -> list[str]:
    """Statements that write every table."""
    user, token = USER.format(**values), TOKEN.format(**values)
    return [
        "insert into raw.system_logs select 'e' || n, "
        f"{user}, 'p-' || {user}, 'c' || n % 50, 'ui', 'web', 'app', 'click', {DATA}, '{{}}', 'personal', 'long_term', "
        f"'s' || n / 20, '{{\"agent\": \"x\"}}', ({DAY})::timestamptz, ({DAY})::timestamptz, 'web', "
        f"decode(md5(n::text), 'hex'), {DAY} {series}",
        f"insert into raw.event_keys select 'web', 'e' || n, decode(md5(n::text), 'hex'), {DAY} {series}",
        "insert into raw.event_days select event_day, count(*), 1 from raw.system_logs group by 1",
        f"insert into safe.pseudonymous_events select md5(n::text), {token}, 'p_' || md5({user}), 'c_1', 's_1', 'ui', "
        f"'web', 'app', 'click', {DATA}, ({DAY})::timestamptz, ({DAY})::timestamptz, {DAY}, "
        f"'{{model_training,personalization}}' {series}",
        f"insert into safe.anonymous_events select md5('a' || n), 'c_1', 'ui', 'web', 'app', 'click', {DATA}, "
        f"({DAY})::timestamptz, {DAY} {series}",
        "insert into safe.event_days select event_day, 1, 'd', count(*), count(*), count(*), count(*), 1 "
        "from safe.pseudonymous_events group by 1",
        "insert into privacy.accounts (subject, last_seen_on) "
        "select user_id, max(event_day) from raw.system_logs group by 1",
        "insert into consent.consent_events (subject, purpose, decision, decided_at, received_at, source, method, "
        "fingerprint) select subject, p, 'grant', now(), now(), 'web', 'api', decode(md5(subject || p), 'hex') "
        "from privacy.accounts, unnest(array['analytics', 'model_training', 'personalization', 'sharing']) as p",
        "insert into ml.risk_scores select '2024-06-03', 'u_' || md5(substr(subject, 6)::int::text), .5, "
        "false, '[]', now() from privacy.accounts",
        f"insert into {COMPANIES} select 'c_1', event_day, count(*) from raw.system_logs group by 2",
    ]


def tables() -> list[str]:
    """dbt's tables with rows of people, as the registry has them; views are their tables' to answer for."""
    views = {target.table for target in TARGETS if target.rule is Rule.FOLLOW}
    return [t.table for t in SUBJECT_TABLES if t.table.split(".")[0] in DBT_SCHEMAS and t.table not in views]


def made(n_events: int) -> list[str]:
    """Statements that fill dbt's tables and make them quick to find a person in."""
    n_people = max(1, n_events // PER_USER)
    written = []
    for table in tables():
        n_rows = max(n_people, int(n_events * SHARES.get(table, OF_A_DAY)))
        figures = ", n * .37" * FIGURES[table.split(".")[0]]
        written += [
            f"insert into {table} select 'u_' || md5((n % {n_people})::text), {DAY}{figures} "
            f"from generate_series(0, {n_rows - 1}) as n",
            f"create index on {table} (subject)",
        ]
    return written


def measure(stores: Stores) -> tuple[float, dict[str, float]]:
    """Seconds of one erasure, in all and by step."""
    steps: dict[str, float] = {}
    last: list[Any] = ["start", time.monotonic()]

    def watch(step: str) -> None:
        now = time.monotonic()
        steps[str(last[0])] = now - float(last[1])
        last[:] = [step, now]

    began = time.monotonic()
    receipt = erase(stores, PERSON, request_id="benchmark", now=NOW, watch=watch)
    seconds = time.monotonic() - began
    watch("end")
    check(receipt)
    deleted = {row["target"]: row["deleted"] for row in receipt["targets"]}
    assert deleted["raw.system_logs.user_id"] == deleted["safe.pseudonymous_events.subject"] == PER_USER
    assert all(deleted[f"{table}.subject"] for table in (*tables(), "privacy.accounts", "ml.risk_scores"))
    return seconds, steps


def size(database: Database) -> str:
    with database.connect(ADMIN) as conn:
        row = conn.execute("select pg_size_pretty(pg_database_size(current_database()))").fetchone()
    return str(row[0]) if row else ""


if __name__ == "__main__":
    main()
