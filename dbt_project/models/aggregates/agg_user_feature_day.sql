-- Which features a subject used on a UTC day, and for how long.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day', 'feature', 'known_on'], 'unique': true},
        {'columns': ['event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_training_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select subject, feature, event_day, known_on, action, duration_ms
    from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
)

select
    subject,
    feature,
    event_day,
    known_on,
    count(*)::int as n_events,
    (count(*) filter (where action = 'feature_use'))::int as n_uses,
    coalesce(sum(duration_ms), 0) as sum_duration_ms
from events
where feature is not null
group by subject, feature, event_day, known_on
