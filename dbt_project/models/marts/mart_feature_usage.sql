-- Who uses a feature in a week, how often, and who of the week before uses it again.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['week_on', 'feature'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_analytics_user_day']) }}", "{{ delete_dirty_weeks('week_on', [1]) }}"],
    post_hook="{{ record_built_days() }}"
) }}

with days as (
    select subject, {{ week_of('event_day') }} as week_on, features, feature_uses
    from {{ ref('agg_analytics_user_day') }}
    {{ where_day_of_dirty_week(n_before=1) }}
),

uses as (
    select d.subject, d.week_on, f.feature, count(*) as n_days, sum(f.n_uses) as n_uses
    from days as d
    cross join lateral unnest(d.features, d.feature_uses) as f (feature, n_uses)
    group by d.subject, d.week_on, f.feature
),

sums as (
    select
        u.week_on,
        u.feature,
        count(*) as n_people,
        sum(u.n_days) as n_days,
        sum(u.n_uses) as n_uses,
        count(past.subject) as n_returned
    from uses as u
    left join uses as past on u.subject = past.subject and u.feature = past.feature and u.week_on = past.week_on + 7
    {{ where_dirty_week('u.week_on') }}
    group by u.week_on, u.feature
),

befores as (
    select week_on + 7 as week_on, feature, count(*) as n_people from uses group by week_on, feature
),

actives as (
    select week_on, count(distinct subject) as n_people from days group by week_on
)

select
    s.week_on,
    s.feature,
    s.n_people,
    a.n_people as n_active_users,
    s.n_uses::bigint as n_uses,
    s.n_people::double precision / a.n_people as usage_share,
    s.n_uses::double precision / s.n_people as uses_per_person,
    s.n_days::double precision / s.n_people as days_per_person,
    {{ count_of_k('b.n_people') }} as n_people_before,
    case when b.n_people >= {{ var('k_people') }} then {{ count_of_k('s.n_returned') }} end as n_returned,
    case when b.n_people >= {{ var('k_people') }} then {{ count_of_k('s.n_returned') }} end
    / b.n_people::double precision as feature_retention
from sums as s
inner join actives as a on s.week_on = a.week_on
left join befores as b on s.week_on = b.week_on and s.feature = b.feature
where s.n_people >= {{ var('k_people') }}
