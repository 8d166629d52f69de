-- The most frequent paths of a day's visits.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'journey'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_analytics_visits']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with visits as (
    select subject, event_day, steps, n_steps > cardinality(steps) as is_cut, count(*) as n_visits
    from {{ ref('agg_analytics_visits') }}
    {{ where_dirty_day() }}
    group by subject, event_day, steps, n_steps > cardinality(steps)
),

paths as (
    select
        event_day,
        array_to_string(steps, ' > ') || case when is_cut then ' > (more)' else '' end as journey,
        cardinality(steps) as n_steps,
        sum(n_visits)::bigint as n_visits,
        count(*) as n_people,
        sum(sum(n_visits)) over (partition by event_day) as n_visits_of_day
    from visits
    group by event_day, steps, is_cut
),

ranked as (
    select
        *,
        row_number() over (partition by event_day order by -n_people, -n_visits, journey) as place
    from paths
    where n_people >= {{ var('k_people') }}
)

select
    event_day,
    place::int as place,
    journey,
    n_steps,
    n_visits,
    n_people,
    n_visits::double precision / n_visits_of_day::double precision as share_of_visits
from ranked
where place <= 100
