-- Bursts of activity within one UTC day: the pieces that ses_sessions joins across midnight.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject', 'event_day', 'started_at'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_id, subject, event_day, occurred_at, known_on, action
    from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
),

marked as (
    select
        *,
        coalesce(occurred_at - lag(occurred_at) over burst > {{ session_gap() }}, true) as is_start
    from events
    window burst as (partition by subject, event_day order by occurred_at, event_id)
),

numbered as (
    select
        *,
        sum(is_start::int) over (
            partition by subject, event_day order by occurred_at, event_id rows unbounded preceding
        ) as fragment_no
    from marked
)

select
    subject,
    event_day,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at,
    count(*)::int as n_events,
    string_agg(action, ' > ' order by occurred_at, event_id) as steps,
    max(known_on) as known_on
from numbered
group by subject, event_day, fragment_no
