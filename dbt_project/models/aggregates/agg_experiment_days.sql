-- Who saw which variant of an experiment on a UTC day.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['experiment', 'subject', 'event_day', 'variant'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select subject, event_day, occurred_at, experiment, variant
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
)

select
    experiment,
    subject,
    event_day,
    variant,
    min(occurred_at) as first_at,
    count(*)::int as n_events
from events
where subject is not null and experiment is not null and variant is not null
group by experiment, subject, event_day, variant
