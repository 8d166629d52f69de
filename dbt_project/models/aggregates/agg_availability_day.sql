-- Whether the product was there on a UTC day: incidents, time to recover, requests and actions that failed.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['event_day'], 'unique': true}
    ],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_day, event_type, action, severity, duration_ms, is_error, is_handled, status
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
),

counted as (
    select
        event_day,
        count(*)::int as n_events,
        (count(*) filter (where event_type = 'api'))::int as n_requests,
        (count(*) filter (where event_type = 'api' and is_error))::int as n_failed_requests,
        (count(*) filter (where action = 'error'))::int as n_errors,
        (count(*) filter (where action = 'error' and not is_handled))::int as n_unhandled_errors,
        (count(*) filter (where action = 'warning'))::int as n_warnings,
        (count(*) filter (where action = 'incident_start'))::int as n_incidents_begun,
        (count(*) filter (where action = 'incident_end'))::int as n_incidents,
        (count(*) filter (where action = 'incident_end' and severity in ('high', 'critical')))::int
            as n_severe_incidents,
        coalesce(sum(duration_ms) filter (where action = 'incident_end'), 0) as downtime_ms
    from events
    group by event_day
)

select
    *,
    round(downtime_ms / nullif(n_incidents, 0), 6) as mean_time_to_recovery_ms,
    round(greatest(0, 1 - downtime_ms / 86400000.0), 6) as uptime_share,
    round(1 - n_failed_requests::numeric / nullif(n_requests, 0), 6) as answered_share
from counted
