-- What a person rated on a UTC day: how often, and how often with no star or one.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject', 'component', 'event_day'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select subject, component, event_day, action, rating
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
)

select
    subject,
    component,
    event_day,
    count(*)::int as n_ratings,
    (count(*) filter (where rating <= 0))::int as n_zeros,
    (count(*) filter (where rating <= 1))::int as n_lowest,
    sum(rating) as sum_ratings,
    sum(rating * rating) as sum_squares
from events
where subject is not null and component is not null and action in ('rating', 'review') and rating is not null
group by subject, component, event_day
