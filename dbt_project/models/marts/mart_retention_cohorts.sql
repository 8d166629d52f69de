-- Of the people whose first week it was: who is active 0, 1, 2, 4, 8 and 12 weeks later, by tier.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['signup_week', 'tier', 'week_no'], 'unique': true},
        {'columns': ['active_week']}
    ],
    pre_hook=[
        "{{ find_dirty_days(['agg_analytics_user_week', 'agg_analytics_users']) }}",
        "{{ delete_dirty_weeks('active_week', var('retention_weeks')) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with weeks as (
    select subject, week_on from {{ ref('agg_analytics_user_week') }}
    {{ where_dirty_week() }}
),

people as (
    select subject, signup_week, tier from {{ ref('agg_analytics_users') }}
),

looks as (
    select distinct
        weeks.week_on as active_week,
        weeks.week_on - 7 * step as signup_week,
        step as week_no
    from (select distinct week_on from weeks) as weeks
    cross join unnest(array{{ [0] + var('retention_weeks') }}) as step
),

sizes as (
    select signup_week, tier, count(*) as n_people
    from people
    where signup_week in (select signup_week from looks)
    group by signup_week, tier
),

cohorts as (
    select signup_week, tier, n_people
    from {{ withhold_small_parts('sizes', ['signup_week'], ['tier'], 'n_people', var('k_people')) }} as published
    where n_people is not null
),

retained as (
    select p.signup_week, p.tier, w.week_on as active_week, count(*) as n_people
    from weeks as w
    inner join people as p on w.subject = p.subject
    where (w.week_on - p.signup_week) / 7 in ({{ ([0] + var('retention_weeks')) | join(', ') }})
    group by p.signup_week, p.tier, w.week_on
)

select
    l.signup_week,
    c.tier,
    l.week_no,
    l.active_week,
    c.n_people as n_cohort,
    {{ count_of_k('coalesce(r.n_people, 0)') }} as n_retained,
    {{ count_of_k('coalesce(r.n_people, 0)') }}::double precision / c.n_people as retention
from looks as l
inner join cohorts as c on l.signup_week = c.signup_week
left join retained as r on l.active_week = r.active_week and c.signup_week = r.signup_week and c.tier = r.tier
