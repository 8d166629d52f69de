-- Of the people whose first week it was: who used a feature within 28 days, and how soon.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['signup_week', 'feature'], 'unique': true}],
    pre_hook=[
        "{{ find_dirty_days(['agg_analytics_user_day', 'agg_analytics_users']) }}",
        "{{ delete_dirty_weeks('signup_week', [-1, -2, -3, -4]) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with people as (
    select subject, signup_week, first_day from {{ ref('agg_analytics_users') }}
    {{ where_dirty_week('signup_week') }}
),

sizes as (
    select signup_week, count(*) as n_people from people group by signup_week
),

first_uses as (
    select p.subject, p.signup_week, used.feature, min(used.event_day - p.first_day) as days_to_first_use
    from people as p
    cross join lateral (
        select d.event_day, unnest(d.features) as feature
        from {{ ref('agg_analytics_user_day') }} as d
        where d.subject = p.subject and d.event_day >= p.first_day and d.event_day < p.first_day + 28
    ) as used
    group by p.subject, p.signup_week, used.feature
),

adopted as (
    select
        signup_week,
        feature,
        count(*) as n_adopted,
        count(*) filter (where days_to_first_use = 0) as n_on_first_day,
        percentile_disc(0.5) within group (order by days_to_first_use) as median_days_to_first_use
    from first_uses
    group by signup_week, feature
)

select
    a.signup_week,
    a.feature,
    s.n_people as n_cohort,
    a.n_adopted,
    {{ count_of_k('a.n_on_first_day') }} as n_on_first_day,
    a.n_adopted::double precision / s.n_people as adoption,
    a.median_days_to_first_use
from adopted as a
inner join sizes as s on a.signup_week = s.signup_week
where a.n_adopted >= {{ var('k_people') }}
