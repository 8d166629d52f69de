-- Outcomes that experiments count, by person and UTC day.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject', 'action', 'event_day'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select subject, event_day, occurred_at, action, amount, has_succeeded
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
)

select
    subject,
    action,
    event_day,
    max(occurred_at) as last_at,
    count(*)::int as n_events,
    sum(coalesce(amount, 0)) as amount
from events
where subject is not null and has_succeeded is not false
    and action in (select outcome from ({{ registered_experiments() }}) as registered)
group by subject, action, event_day
