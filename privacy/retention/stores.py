"""Which table or file ages by which column under which policy, and how its rows go. What is not here has no rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import psycopg

from privacy.retention.policies import CLASSES
from warehouse.subjects import SUBJECT_TABLES

EVENTS = "raw.system_logs"
# Events that are operational logs obey these instead of raw_events; raw.log_policy says which event is which.
LOGS = ("api_logs", "error_logs", "security_logs")
LOG_POLICY = "raw.log_policy(event_type, action)"
# Policies that act otherwise than by a table's or a file's age: by accounts.py, or not at all because nothing collects.
ACCOUNTS = ("inactive_users", "deleted_accounts")
# dbt models hold only people whose consent for this purpose stands; after a withdrawal nobody rebuilds a closed day.
TRAINING = "model_training"


class Method(StrEnum):
    """How rows past their term go."""

    PARTITIONS = "partitions"  # whole quarters dropped, the rest deleted; an event's own class may be shorter
    KEYS = "keys"  # deleted when their event is gone
    CLOSED_DAYS = "closed_days"  # deleted with the event day: rows made of its events, which nothing can make again
    BOOKS = "books"  # as closed_days, and no hold keeps them: bookkeeping that would have the day computed again
    ROWS = "rows"  # deleted
    FOLLOWS = "follows"  # gone with what they belong to: by the database, or by the work that put them there
    KEPT = "kept"  # never: the policy has no end, and the table refuses deletion


@dataclass(frozen=True, slots=True)
class Store:
    """One table: a row is as old as `column` says; the column's name ends in _at exactly when it holds a moment."""

    table: str
    column: str
    policy: str
    method: Method = Method.ROWS
    purpose: str | None = None

    @property
    def day(self) -> str:
        """The SQL expression of a row's UTC day."""
        return f"({self.column} at time zone 'UTC')::date" if self.column.endswith("_at") else self.column

    @property
    def subject(self) -> tuple[str, str] | None:
        """(column, raw or keyed) where a row names its person so that the vault can tell who it is."""
        found = next((row for row in SUBJECT_TABLES if row.table == self.table), None)
        return (found.column, found.key) if found and found.key in ("raw", "keyed") else None


# How old a row of a dbt model is: the first of these columns that it has, else its first column of dates.
AGE_COLUMNS = ("event_day", "cutoff_on", "ended_on", "day", "day_on", "week_on", "month_on")
LAYERS = {
    "sessions": "aggregates", "aggregates": "aggregates", "marts": "aggregates", "features": "ml_training_data",
}  # fmt: skip
STORES = (
    Store(EVENTS, "event_day", "raw_events", Method.PARTITIONS),
    Store("raw.event_keys", "event_day", "raw_events", Method.KEYS),
    Store("raw.event_days", "event_day", "raw_events", Method.BOOKS),
    Store("raw.quarantine", "quarantined_at", "raw_events"),
    Store("raw.imports", "received_at", "audit_logs"),
    Store("safe.pseudonymous_events", "event_day", "raw_events", Method.CLOSED_DAYS),
    Store("safe.anonymous_events", "event_day", "raw_events", Method.CLOSED_DAYS),
    Store("safe.text_embeddings", "event_day", "raw_events", Method.CLOSED_DAYS),
    Store("safe.event_days", "event_day", "raw_events", Method.BOOKS),
    Store("safe.exclusions", "event_day", "aggregates"),
    Store("safe.released_use", "released_at", "registers", Method.KEPT),
    Store("staging.model_days", "event_day", "raw_events", Method.BOOKS),
    Store("aggregates.agg_user_fragments", "event_day", "aggregates", purpose=TRAINING),
    Store("aggregates.agg_user_day", "event_day", "aggregates", purpose=TRAINING),
    Store("aggregates.agg_company_day", "event_day", "aggregates"),
    Store("sessions.ses_sessions", "ended_on", "aggregates", purpose=TRAINING),
    Store("features.ftr_user_weekly", "cutoff_on", "ml_training_data", purpose=TRAINING),
    Store("features.lbl_user_churn", "cutoff_on", "ml_training_data", purpose=TRAINING),
    Store("ml.extracted_features", "cutoff_on", "ml_training_data", purpose=TRAINING),
    Store("ml.training_sets", "created_at", "model_lineage"),
    Store("ml.predictions", "predicted_at", "ml_training_data"),
    Store("ml.model_feedback", "noted_at", "ml_training_data"),
    Store("ml.risk_scores", "scored_at", "ml_training_data"),
    Store("ml.recommendations", "recommended_at", "ml_training_data"),
    Store("ml.lifetime_fits", "cutoff_on", "ml_training_data"),
    Store("ml.lifetime_values", "cutoff_on", "ml_training_data", Method.FOLLOWS),
    Store("quality.gate_results", "evaluated_at", "audit_logs"),
    Store("quality.drift_results", "evaluated_at", "audit_logs"),
    Store("consent.consent_events", "received_at", "consent_records", Method.KEPT),
    Store("consent.notices", "published_at", "consent_records", Method.KEPT),
    Store("consent.served_notices", "served_at", "consent_records", Method.KEPT),
    Store("consent.dismissed_notices", "dismissed_at", "consent_records", Method.KEPT),
    Store("privacy.classification_rules", "decided_at", "registers", Method.KEPT),
    Store("privacy.classification_items", "raised_at", "registers", Method.KEPT),
    Store("privacy.classification_audit", "decided_at", "registers", Method.KEPT),
    Store("privacy.unknown_paths", "event_day", "raw_events", Method.BOOKS),
    Store("privacy.dirty_days", "event_day", "raw_events", Method.BOOKS),
    Store("privacy.accounts", "last_seen_on", "inactive_users", Method.FOLLOWS),
    Store("privacy.identity_merges", "merged_at", "registers", Method.KEPT),
    Store("privacy.osint_findings", "refreshed_at", "osint_data", purpose="osint_enrichment"),
    Store("privacy.osint_imports", "imported_at", "audit_logs"),
    Store("privacy.closed_days", "closed_at", "registers", Method.KEPT),
    Store("privacy.budgets", "granted_at", "registers", Method.KEPT),
    Store("privacy.budget_spends", "reserved_at", "registers", Method.KEPT),
    Store("privacy.releases", "released_at", "registers", Method.KEPT),
    Store("privacy.retention_policies", "changed_at", "registers", Method.KEPT),
    Store("privacy.retention_properties", "changed_at", "registers", Method.KEPT),
    Store("privacy.retention_changes", "changed_at", "audit_logs"),
    Store("privacy.retention_runs", "ran_at", "audit_logs"),
    Store("privacy.legal_holds", "ends_at", "audit_logs"),
    Store("privacy.privacy_requests", "closed_at", "privacy_requests"),
    Store("privacy.request_events", "happened_at", "privacy_requests", Method.FOLLOWS),
    Store("privacy.exports", "created_at", "privacy_requests"),
    Store("privacy.access_log", "looked_at", "audit_logs"),
    Store("privacy.erasure_targets", "verified_at", "privacy_requests"),
    Store("privacy.erasures", "completed_at", "privacy_requests"),
    Store("privacy.erasure_events", "event_day", "privacy_requests", Method.FOLLOWS),
    Store("privacy.erased_consents", "received_at", "consent_records", Method.KEPT),
    Store("privacy.restatements", "noted_at", "audit_logs"),
    Store("privacy.breaches", "aware_at", "data_breaches", Method.KEPT),
    Store("privacy.breach_entries", "recorded_at", "data_breaches", Method.KEPT),
)
# Schemas whose dated rows are not retention's, and why.
OTHERS = {
    "dagster": "run history of Dagster: counts and times; its own settings prune ticks",
    "mlflow": "tracking store of MLflow: figures of models, needed as long as the models live",
    "warehouse": "which migrations were applied, and counts of the last run",
    "public": "Lethe writes nothing there",
}
DATED = """
select n.nspname || '.' || c.relname, array_agg(a.attname::text order by a.attnum)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'm') and not c.relispartition and n.nspname <> all(%s)
  and n.nspname not like 'pg\\_%%' and n.nspname <> 'information_schema'
  and a.atttypid = any(array['date', 'timestamp', 'timestamptz']::regtype[])
group by 1 order by 1
"""


# What dbt declares of each model, written down when it starts (macros/retention.sql).
MODELS = """
select m.table_name, m.purpose, exists (
  select from information_schema.columns c
  where c.table_schema || '.' || c.table_name = m.table_name and c.column_name = 'subject'
)
from staging.model_purposes m order by 1
"""


def by_name() -> dict[str, Store]:
    """The stores by table."""
    return {store.table: store for store in STORES}


def dated_tables(conn: psycopg.Connection) -> dict[str, list[str]]:
    """Every table of the live database with dates in it, and its columns of dates; tools' own schemas left out."""
    return dict(conn.execute(DATED, (list(OTHERS),)).fetchall())


def uncovered(conn: psycopg.Connection) -> list[str]:
    """Tables with dated rows that no rule names."""
    live = dated_tables(conn)
    return sorted(set(live) - set(by_name()) - {store.table for store in of_models(conn, live)})


def present(conn: psycopg.Connection) -> list[Store]:
    """The stores whose table exists here: dbt's appear with the first build."""
    live = dated_tables(conn)
    return [*(store for store in STORES if store.column in live.get(store.table, ())), *of_models(conn, live)]


def of_models(conn: psycopg.Connection, live: dict[str, list[str]]) -> list[Store]:
    """The tables of dbt models that no line above names: the policy of their layer, the purpose that they declare."""
    row = conn.execute("select to_regclass('staging.model_purposes') is not null").fetchone()
    if not (row and row[0]):
        return []
    models = conn.execute(MODELS).fetchall()
    return [
        Store(table, _age_column(live[table]), LAYERS[table.split(".")[0]], purpose=purpose if is_personal else None)
        for table, purpose, is_personal in models
        if table in live and table not in by_name() and table.split(".")[0] in LAYERS
    ]


def without_store(conn: psycopg.Connection, policies: Iterable[str], files: Iterable[str]) -> list[str]:
    """Policies that act on nothing here, because nothing collects such data: their term is refused, not obeyed."""
    obeyed = {store.policy for store in present(conn)} | {*files, *LOGS, *ACCOUNTS, *CLASSES}
    return sorted(set(policies) - obeyed)


def misnamed(conn: psycopg.Connection) -> list[str]:
    """Stores whose table exists without the column by which it should age: their rows would stay for ever."""
    live = dated_tables(conn)
    return [f"{s.table}.{s.column}" for s in STORES if s.table in live and s.column not in live[s.table]]


def _age_column(columns: list[str]) -> str:
    return next((name for name in AGE_COLUMNS if name in columns), columns[0])
