"""Which table or file ages by which column under which policy, and how its rows go. What is not here has no rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import psycopg

from warehouse.subjects import SUBJECT_TABLES

EVENTS = "raw.system_logs"
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


STORES = (
    Store(EVENTS, "event_day", "raw_events", Method.PARTITIONS),
    Store("raw.event_keys", "event_day", "raw_events", Method.KEYS),
    Store("raw.event_days", "event_day", "raw_events", Method.BOOKS),
    Store("raw.quarantine", "quarantined_at", "raw_events"),
    Store("raw.imports", "received_at", "audit_logs"),
    Store("safe.pseudonymous_events", "event_day", "raw_events", Method.CLOSED_DAYS),
    Store("safe.anonymous_events", "event_day", "raw_events", Method.CLOSED_DAYS),
    Store("safe.event_days", "event_day", "raw_events", Method.BOOKS),
    Store("safe.exclusions", "event_day", "aggregates"),
    Store("staging.model_days", "event_day", "raw_events", Method.BOOKS),
    Store("aggregates.agg_user_fragments", "event_day", "aggregates", purpose=TRAINING),
    Store("aggregates.agg_user_day", "event_day", "aggregates", purpose=TRAINING),
    Store("aggregates.agg_company_day", "event_day", "aggregates"),
    Store("sessions.ses_sessions", "ended_on", "aggregates", purpose=TRAINING),
    Store("features.ftr_user_weekly", "cutoff_on", "ml_training_data", purpose=TRAINING),
    Store("features.lbl_user_churn", "cutoff_on", "ml_training_data", purpose=TRAINING),
    Store("ml.training_sets", "created_at", "model_lineage"),
    Store("ml.predictions", "predicted_at", "ml_training_data"),
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


def by_name() -> dict[str, Store]:
    """The stores by table."""
    return {store.table: store for store in STORES}


def dated_tables(conn: psycopg.Connection) -> dict[str, list[str]]:
    """Every table of the live database with dates in it, and its columns of dates; tools' own schemas left out."""
    return dict(conn.execute(DATED, (list(OTHERS),)).fetchall())


def uncovered(conn: psycopg.Connection) -> list[str]:
    """Tables with dated rows that no rule names."""
    return sorted(set(dated_tables(conn)) - set(by_name()))


def present(conn: psycopg.Connection) -> list[Store]:
    """The stores whose table exists here: dbt's appear with the first build."""
    live = dated_tables(conn)
    return [store for store in STORES if store.column in live.get(store.table, ())]


def misnamed(conn: psycopg.Connection) -> list[str]:
    """Stores whose table exists without the column by which it should age: their rows would stay for ever."""
    live = dated_tables(conn)
    return [f"{s.table}.{s.column}" for s in STORES if s.table in live and s.column not in live[s.table]]
