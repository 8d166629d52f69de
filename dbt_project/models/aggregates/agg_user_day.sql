-- What a subject did on a UTC day. Sums are exact types, so that any order of events gives the same bytes.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day'], 'unique': true},
        {'columns': ['event_day', 'subject']},
        {'columns': ['company', 'event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select *, extract(hour from occurred_at at time zone 'UTC') as hour_of_day
    from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
)

select
    subject,
    event_day,
    (array_agg(company order by occurred_at desc, event_id desc) filter (where company is not null))[1] as company,
    coalesce(bool_or(is_bot), false) as is_bot,
    max(occurred_at) as last_event_at,
    count(*)::int as n_events,
    (count(*) filter (where hour_of_day < 7 or hour_of_day >= 19))::int as n_off_hours_events,
    (count(*) filter (where is_error))::int as n_errors,
    array_agg(distinct component) filter (where component is not null) as components,
    array_agg(distinct action) as actions,
    count(n_items)::int as n_sized_events,
    coalesce(sum(round(ln(1 + greatest(n_items, 0)), 6)), 0) as sum_log_items,
    count(latency_ms)::int as n_latencies,
    coalesce(sum(latency_ms), 0) as sum_latency_ms,
    count(rating)::int as n_ratings,
    coalesce(sum(rating), 0) as sum_ratings
from events
group by subject, event_day
