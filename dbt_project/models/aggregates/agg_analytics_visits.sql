-- Visits: a person's bursts of events within a UTC day, with their steps in order. What journeys are made of.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject', 'event_day', 'started_at'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_id, subject, event_day, occurred_at, action, is_bot
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
),

marked as (
    select
        event_id,
        subject,
        event_day,
        occurred_at,
        action,
        coalesce(occurred_at - lag(occurred_at) over same_day > {{ session_gap() }}, true) as is_start,
        coalesce(action <> lag(action) over same_day, true) as is_other
    from events
    where subject is not null and is_bot is not true
    window same_day as (partition by subject, event_day order by occurred_at, event_id)
),

numbered as (
    select
        *,
        is_start or is_other as is_step,
        sum(is_start::int) over (
            partition by subject, event_day order by occurred_at, event_id rows unbounded preceding
        ) as visit_no
    from marked
)

select
    subject,
    event_day,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at,
    count(*)::int as n_events,
    (count(*) filter (where is_step))::int as n_steps,
    (array_agg(action order by occurred_at, event_id) filter (where is_step))[1:{{ var('journey_steps') }}] as steps
from numbered
group by subject, event_day, visit_no
