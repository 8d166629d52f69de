"""The rows a gate looks at: one query per table, made of the columns and derived truths that the rules name.

Great Expectations copies each batch into a temporary table once, so every expectation of a gate sees the same rows
and no personal payload (data, metadata, client_info) is read at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from quality import suites

NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]*$")
COLUMN = re.compile(r"^[a-z_][a-z0-9_]*$")
WINDOW = re.compile(r"^(n_.*?)_?(\d+)d$")
NOT_FEATURES = ("cutoff_on", "subject", "company", "is_bot")

HISTORY_DAYS = 90  # days a daily count is compared with
LEAST_HISTORY = 14  # fewer days before: no verdict
LOG_SPREAD_FLOOR = 0.5  # on the log scale: below a factor of 20, no count is 6 deviations away
SAMPLE_ROWS = 5000  # rows that the robust centre and spread of a feature are taken from
ROBUST_LIMIT = 8.0
FRESH_DAYS = 14


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of the data a gate run judges, and as of when."""

    partition: tuple[date, date] | None
    days: tuple[date, ...] | None
    now: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[date | None, date | None]:
        """First and last day, or (None, None) for everything."""
        if self.days is not None:
            return (min(self.days), max(self.days)) if self.days else (None, None)
        return self.partition or (None, None)

    def where(self, column: str) -> str:
        """SQL condition on a date column; between bounds first, so that partitions are pruned."""
        if self.days is not None and not self.days:
            return "false"
        first, last = self.bounds
        if first is None or last is None:
            return "true"
        condition = f"{column} between date '{first}' and date '{last}'"
        if self.days is not None and len(set(self.days)) <= (last - first).days:
            condition += f" and {column} = any(array[{', '.join(_day(day) for day in sorted(set(self.days)))}])"
        return condition


class UnsafeNameError(ValueError):
    """A model or column name cannot stand in a query; rename it."""


def logs(scope: Scope) -> str:
    """raw.system_logs of the scope: the judged columns and the row rules as booleans."""
    now = f"timestamptz '{scope.now.isoformat()}'"
    return f"""
select l.id, l.source, l.event_type, l.action, l.created_at, l.data_classification, l.retention_policy,
  coalesce((l.created_at at time zone 'UTC')::date = l.event_day, false) as event_day_is_utc_day,
  coalesce(l.created_at between timestamptz '1990-01-01 UTC' and {now} + interval '1 day', false)
    as created_at_in_range,
  k.id is not null as is_registered_key,
  coalesce(l.received_at >= l.created_at - interval '1 day', false) as received_after_created,
  coalesce(l.received_at <= {now} + interval '5 minutes', false) as received_in_past
from raw.system_logs l left join raw.event_keys k on k.source = l.source and k.id = l.id
where {scope.where("l.event_day")}"""


def event_days(scope: Scope) -> str:
    """Days of the scope with the z-score of ln(1 + events) against up to 90 stored days before; today is not over."""
    first, _ = scope.bounds
    since = f"d.event_day >= date '{first - timedelta(days=2 * HISTORY_DAYS)}'" if first else "true"
    return f"""
select event_day,
  case when n_before >= {LEAST_HISTORY} then (size - centre) / greatest(spread, {LOG_SPREAD_FLOOR}) end as z_score
from (
  select d.event_day, ln(1 + d.n_events) as size, count(*) over before as n_before,
    avg(ln(1 + d.n_events)) over before as centre, coalesce(stddev_samp(ln(1 + d.n_events)) over before, 0) as spread
  from raw.event_days d where d.n_events > 0 and {since}
  window before as (order by d.event_day rows between {HISTORY_DAYS} preceding and 1 preceding)
) as sized
where {scope.where("event_day")} and event_day < date '{scope.now.date()}'"""


def features(scope: Scope, columns: Sequence[str]) -> str:
    """features.ftr_user_weekly of the scope with one truth per feature: is the value no outlier?"""
    numeric = [_safe(column) for column in columns if column not in NOT_FEATURES]
    counts = [column for column in numeric if column.startswith("n_")]
    size = {c: f"ln(1 + abs({c}::float8))" for c in numeric}
    centre = [
        f"percentile_cont(0.5) within group (order by {size[c]}) filter (where {c} <> 0) as m_{c}" for c in numeric
    ]
    spread = [
        f"percentile_cont(0.5) within group (order by abs({size[c]} - m_{c})) filter (where {c} <> 0) as s_{c}"
        for c in numeric
    ]
    truths = [
        f"case when {c} <> 0 then abs({size[c]} - m_{c})"
        f" < {ROBUST_LIMIT} * greatest(1.4826 * s_{c}, {LOG_SPREAD_FLOOR}) end as ok__{c}"
        for c in numeric
    ]
    # A query asset must begin with "select", so what reads best as named steps stands as nested ones.
    judged = f"select * from {suites.FEATURES} where {scope.where('cutoff_on')}"
    sampled = f"select * from ({judged}) s order by hashtextextended(subject || cutoff_on::text, 0) limit {SAMPLE_ROWS}"
    centres = f"select {', '.join([*centre, '1 as one'])} from ({sampled}) sampled"
    spreads = (
        f"select {', '.join([*spread, 'min(one) as one'])} from ({sampled}) sampled cross join ({centres}) centres"
    )
    return f"""
select {", ".join(["cutoff_on", "subject", "is_bot", *counts, *truths])}
from ({judged}) judged cross join ({centres}) centres cross join ({spreads}) spreads"""


def labels(scope: Scope) -> str:
    """features.lbl_user_churn of the scope; has_features says that the feature row exists."""
    return f"""
select l.cutoff_on, l.subject, l.is_churned, f.subject is not null as has_features
from {suites.LABELS} l
left join (select distinct cutoff_on, subject from {suites.FEATURES} where {scope.where("cutoff_on")}) f
  on f.cutoff_on = l.cutoff_on and f.subject = l.subject
where {scope.where("l.cutoff_on")}"""


def predictions(scope: Scope) -> str:
    """Pending ml.predictions of the model version that the parameters name."""
    return f"""
select p.cutoff_on, p.subject, p.probability, f.subject is not null as has_features,
  num_nulls(p.feature_digest, p.reason_codes, p.purpose, p.consent_basis) = 0 as has_evidence
from {suites.PREDICTIONS} p
left join (select distinct cutoff_on, subject from {suites.FEATURES}) f
  on f.cutoff_on = p.cutoff_on and f.subject = p.subject
where p.state = 'pending' and {_version(scope)}"""


def query(name: str, scope: Scope) -> str:
    """A named query that returns one constant row per fault; `{batch}` is the batch's temporary table."""
    newest = f"(select max(cutoff_on) from {suites.FEATURES})"
    fresh_days = int(scope.parameters.get("fresh_days", FRESH_DAYS))
    queries = {
        "stale_features": f"""
select 1 as fault from (select count(*) as n from {{batch}}) as counted
where coalesce((select max(event_day) from safe.event_days) - {newest}, 100000) > {fresh_days}""",
        "unpredicted_subjects": f"""
with predicted as (select cutoff_on, subject from {{batch}})
select 1 as fault from {suites.FEATURES} f left join predicted p on p.cutoff_on = f.cutoff_on and p.subject = f.subject
where f.cutoff_on = {newest} and p.subject is null and not f.is_bot""",
        "stale_predictions": f"""
select 1 as fault from (select max(cutoff_on) as cutoff_on from {{batch}}) as newest_prediction
where cutoff_on is distinct from {newest}""",
    }
    return queries[name]


def windows(columns: Sequence[str]) -> list[tuple[str, str]]:
    """(shorter, longer) neighbours among columns like n_events_7d, n_events_28d, n_events_90d."""
    families: dict[str, list[tuple[int, str]]] = {}
    for column in columns:
        if found := WINDOW.match(column):
            families.setdefault(found[1], []).append((int(found[2]), column))
    return [(a[1], b[1]) for members in families.values() for a, b in pairwise(sorted(members))]


def _version(scope: Scope) -> str:
    name, version = str(scope.parameters["model_name"]), int(scope.parameters["model_version"])
    if not NAME.match(name):
        raise UnsafeNameError("the model's name may hold letters, digits, '_', '.' and '-' only; rename the model")
    return f"p.model_name = '{name}' and p.model_version = {version}"


def _safe(column: str) -> str:
    if not COLUMN.match(column):
        raise UnsafeNameError("a feature column may hold lower-case letters, digits and '_' only; rename it in dbt")
    return column


def _day(day: date) -> str:
    return f"date '{day.isoformat()}'"
