-- Scores of each day's events by type. Types of 1 to k-1 people are left out; events that are nobody's are not.
{{ config(materialized='table') }}

with days as (
    select * from {{ ref('agg_quality_days') }}
    where n_events > 0
),

scored as (
    select
        event_day,
        event_type,
        n_people,
        n_events,
        n_excluded,
        round(n_events::numeric / (n_events + n_excluded), 6) as admission,
        round(n_complete::numeric / n_events, 6) as completeness,
        round(n_consistent::numeric / n_events, 6) as consistency,
        round(n_timely::numeric / n_events, 6) as timeliness,
        round((n_complete + n_consistent + n_timely)::numeric / (3 * n_events), 6) as score
    from days
)

select *
from scored
where n_people = 0 or n_people >= {{ var('k_people', 5) }}
