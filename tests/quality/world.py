"""Small clean tables at the three borders, and one planted fault per rule: data, no test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from quality import suites
from quality.gates import GateResult, run_gate
from warehouse.database import Database

NOW = datetime(2024, 3, 20, 12, tzinfo=UTC)
DAY = date(2024, 3, 18)
CUTOFF = date(2024, 3, 18)
SUBJECTS = 200
MODEL: Mapping[str, Any] = {"model_name": "churn", "model_version": 3}

LOGS = """
select raw.ensure_partitions('2023-12-01', '2024-04-01');
insert into raw.system_logs (id, user_id, event_type, event_source, action, data_classification, retention_policy,
  created_at, received_at, source, fingerprint, event_day)
select 'e' || d || '-' || i, 'u' || i, 'ui.click', 'web', 'open', 'pseudonymized', 'short_term', at,
  at + interval '1 minute', 'product', sha256(convert_to(d || '-' || i, 'UTF8')), (at at time zone 'UTC')::date
from (select d, i, timestamptz '2024-01-29 00:30 UTC' + d * interval '1 day' + i * interval '5 minutes' as at
  from generate_series(0, 49) d, generate_series(1, 100) i) made;
insert into raw.event_keys select source, id, fingerprint, event_day from raw.system_logs;
insert into raw.event_days select event_day, count(*), 1 from raw.system_logs group by event_day;
alter table raw.system_logs drop constraint system_logs_data_classification_check,
  drop constraint system_logs_retention_policy_check;
alter table raw.system_logs alter created_at drop not null, alter id drop not null, alter event_type drop not null,
  alter action drop not null, alter received_at drop not null;
insert into safe.event_days (event_day, raw_version, policy_digest, n_in, n_pseudonymous, n_anonymous, version)
values ('2024-03-19', 1, 'policy', 100, 90, 10, 1);
alter table ml.predictions drop constraint predictions_pkey, alter probability drop not null;
"""

FEATURES = f"""
create table features.ftr_user_weekly as
select c.cutoff_on::date as cutoff_on, 's' || i as subject, 'c1' as company, i % 50 = 0 as is_bot,
  (i % 5)::float8 as n_events_7d, (i % 5 + i % 7)::float8 as n_events_28d, (i % 5 + i % 7 + 1)::float8 as n_events_90d,
  (i % 90 + 0.5)::float8 as days_since_last, (i % 10 / 10.0)::float8 as night_share
from (values (date '2024-03-11'), (date '2024-03-18')) c(cutoff_on), generate_series(1, {SUBJECTS}) i;
create table features.lbl_user_churn as
select cutoff_on, subject, subject < 's2' as is_churned from features.ftr_user_weekly;
"""

PREDICTIONS = f"""
insert into ml.predictions
select 'churn', 3, cutoff_on, subject, (hashtext(subject)::bigint + 2147483648) / 4294967296.0, 'pending', '{NOW}',
  sha256(subject::bytea), array['+days_since_last'], 'model_training', '2:7'
from features.ftr_user_weekly where cutoff_on = '{CUTOFF}'
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """SQL (run as the administrator) that breaks exactly the promise of the rule with this key."""

    key: str
    sql: str
    column: str | None = None  # the column that the refusal must name, where the rule's own is a pattern


_DAY = f"event_day = '{DAY}'"
_LOG = f"update raw.system_logs set {{}} where {_DAY} and id < 'e49-2'"

FAULTS: tuple[Fault, ...] = (
    Fault("raw_in:raw.system_logs:*:has_rows", f"delete from raw.system_logs where {_DAY}"),
    *(
        Fault(f"raw_in:raw.system_logs:{column}:not_null", _LOG.format(f"{column} = null"))
        for column in ("created_at", "id", "event_type", "action")
    ),
    Fault("raw_in:raw.system_logs:event_type:matches", _LOG.format("event_type = '<script>'")),
    Fault("raw_in:raw.system_logs:source:matches", _LOG.format("source = '../..'")),
    Fault("raw_in:raw.system_logs:data_classification:in_set", _LOG.format("data_classification = 'secret'")),
    Fault("raw_in:raw.system_logs:retention_policy:in_set", _LOG.format("retention_policy = 'forever'")),
    Fault(
        "raw_in:raw.system_logs:event_day_is_utc_day:holds", _LOG.format("created_at = created_at + interval '1 day'")
    ),
    Fault("raw_in:raw.system_logs:created_at_in_range:holds", _LOG.format("created_at = '1970-01-01'")),
    Fault(
        "raw_in:raw.system_logs:is_registered_key:holds", f"delete from raw.event_keys where {_DAY} and id < 'e49-2'"
    ),
    Fault(
        "raw_in:raw.system_logs:source,id:unique",
        f"insert into raw.system_logs select * from raw.system_logs where {_DAY} limit 1",
    ),
    Fault(
        "raw_in:raw.system_logs:received_after_created:holds",
        _LOG.format("received_at = created_at - interval '3 days'"),
    ),
    Fault("raw_in:raw.system_logs:received_in_past:holds", _LOG.format("received_at = '2024-03-21'")),
    Fault("raw_in:raw.event_days:z_score:within", f"update raw.event_days set n_events = 100000 where {_DAY}"),
    Fault("features_out:features.ftr_user_weekly:*:has_rows", "delete from features.ftr_user_weekly"),
    Fault(
        "features_out:features.ftr_user_weekly:cutoff_on,subject:unique",
        "insert into features.ftr_user_weekly select * from features.ftr_user_weekly limit 1",
    ),
    Fault(
        "features_out:features.ftr_user_weekly:subject:not_null",
        "update features.ftr_user_weekly set subject = null where subject = 's7'",
    ),
    Fault(
        "features_out:features.ftr_user_weekly:is_bot:not_null",
        "update features.ftr_user_weekly set is_bot = null where subject < 's2'",
    ),
    Fault(
        "features_out:features.ftr_user_weekly:n_*:not_null",
        "update features.ftr_user_weekly set n_events_28d = null where subject < 's2'",
        "n_events_28d",
    ),
    Fault(
        "features_out:features.ftr_user_weekly:n_*:within",
        "update features.ftr_user_weekly set n_events_90d = 'NaN' where subject = 's7'",
        "n_events_90d",
    ),
    Fault(
        "features_out:features.ftr_user_weekly:n_*:widens",
        "update features.ftr_user_weekly set n_events_7d = n_events_28d + 1 where subject = 's7'",
        "n_events_28d",
    ),
    Fault(
        "features_out:features.ftr_user_weekly:ok__*:holds",
        "update features.ftr_user_weekly set days_since_last = 1e9 where subject < 's11'",
        "days_since_last",
    ),
    Fault(
        "features_out:features.ftr_user_weekly:cutoff_on:no_rows",
        "update safe.event_days set event_day = '2024-04-15'",
    ),
    Fault(
        "features_out:features.lbl_user_churn:is_churned:not_null",
        "update features.lbl_user_churn set is_churned = null where subject = 's7'",
    ),
    Fault(
        "features_out:features.lbl_user_churn:cutoff_on,subject:unique",
        "insert into features.lbl_user_churn select * from features.lbl_user_churn limit 1",
    ),
    Fault(
        "features_out:features.lbl_user_churn:has_features:holds",
        "delete from features.ftr_user_weekly where subject = 's7'",
    ),
    Fault("predictions_out:ml.predictions:*:has_rows", "delete from ml.predictions"),
    Fault(
        "predictions_out:ml.predictions:probability:not_null",
        "update ml.predictions set probability = null where subject = 's7'",
    ),
    Fault(
        "predictions_out:ml.predictions:probability:within",
        "update ml.predictions set probability = 1.5 where subject = 's7'",
    ),
    Fault(
        "predictions_out:ml.predictions:cutoff_on,subject:unique",
        "insert into ml.predictions select * from ml.predictions limit 1",
    ),
    Fault(
        "predictions_out:ml.predictions:probability:mean_within",
        "update ml.predictions set probability = probability / 1000",
    ),
    Fault("predictions_out:ml.predictions:probability:spread_within", "update ml.predictions set probability = 0.4"),
    Fault(
        "predictions_out:ml.predictions:has_features:holds",
        "update ml.predictions set subject = 'nobody' where subject = 's7'",
    ),
    Fault(
        "predictions_out:ml.predictions:has_evidence:holds",
        "update ml.predictions set consent_basis = null where subject = 's7'",
    ),
    Fault("predictions_out:ml.predictions:subject:no_rows", "delete from ml.predictions where subject = 's7'"),
    Fault(
        "predictions_out:ml.predictions:cutoff_on:no_rows",
        "update ml.predictions set cutoff_on = '2024-03-11'",
    ),
)


def build(database: Database) -> None:
    """Fill all three borders with clean rows; constraints that would stop a fault at the door are taken away."""
    execute(database, "admin", LOGS)
    execute(database, "dbt", FEATURES)
    execute(database, "admin", PREDICTIONS)


def execute(database: Database, stage: str, statements: str) -> None:
    """Run SQL as a stage and commit."""
    with database.connect(stage) as conn:
        conn.execute(statements.encode())


def gate(
    database: Database,
    name: str,
    *,
    days: Sequence[date] | None = (DAY,),
    partition: tuple[date, date] | None = None,
    **parameters: Any,
) -> GateResult:
    """Run a gate the way orchestration does: role quality, a URL of the same role."""
    needed = dict(MODEL) if name == suites.PREDICTIONS_OUT else {}
    scoped = (CUTOFF - timedelta(days=7), CUTOFF) if name != suites.RAW_IN else partition
    with database.connect("quality") as conn:
        return run_gate(
            conn,
            database.url("quality", "psycopg"),
            name,
            partition=scoped,
            days=days if name == suites.RAW_IN else None,
            run_key="run-1",
            now=NOW,
            parameters={**needed, **parameters},
        )


def stored(conn: psycopg.Connection, gate_name: str) -> list[tuple[Any, ...]]:
    """Evidence rows of a gate."""
    return conn.execute("select * from quality.gate_results where gate = %s", (gate_name,)).fetchall()
