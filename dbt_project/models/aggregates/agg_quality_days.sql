-- How good the events of a UTC day are, by type: kept out, complete, consistent, in time. Counts only.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'event_type'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select
        event_day,
        event_type,
        subject,
        company is not null and component is not null as is_complete,
        least(latency_ms, rating, status, amount, mrr, n_tokens, 0) >= 0
        and received_at >= occurred_at - interval '5 minutes' as is_consistent,
        received_at < occurred_at + interval '1 day' as is_timely
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
    {{ evaluated_once() }}
),

-- By person first: hashing them beats sorting events.
of_people as (
    select
        event_day,
        event_type,
        subject,
        count(*) as n_events,
        count(*) filter (where is_complete) as n_complete,
        count(*) filter (where is_consistent) as n_consistent,
        count(*) filter (where is_timely) as n_timely
    from events
    group by event_day, event_type, subject
),

counted as (
    select
        event_day,
        event_type,
        sum(n_events)::bigint as n_events,
        count(subject) as n_people,
        coalesce(sum(n_events) filter (where subject is null), 0)::bigint as n_nobodys,
        sum(n_complete)::bigint as n_complete,
        sum(n_consistent)::bigint as n_consistent,
        sum(n_timely)::bigint as n_timely
    from of_people
    group by event_day, event_type
),

excluded as (
    select event_day, event_type, sum(n)::bigint as n_excluded
    from {{ source('safe', 'exclusions') }}
    {{ where_dirty_day() }}
    {{ 'and' if is_incremental() else 'where' }} path = ''
    group by event_day, event_type
)

select
    event_day,
    event_type,
    coalesce(c.n_events, 0) as n_events,
    coalesce(c.n_people, 0) as n_people,
    coalesce(c.n_nobodys, 0) as n_nobodys,
    coalesce(c.n_complete, 0) as n_complete,
    coalesce(c.n_consistent, 0) as n_consistent,
    coalesce(c.n_timely, 0) as n_timely,
    coalesce(e.n_excluded, 0) as n_excluded
from counted as c
full join excluded as e using (event_day, event_type)
