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

-- Each use, and the same as the week after sees it: two sums instead of joining a table with itself on text.
seen as (
    select subject, week_on + 7 * n_later as week_on, feature, n_days, n_uses, n_later = 0 as is_now
    from uses
    cross join generate_series(0, 1) as n_later
),

people as (
    select
        week_on,
        feature,
        subject,
        sum(n_days) filter (where is_now) as n_days,
        sum(n_uses) filter (where is_now) as n_uses,
        bool_or(is_now) as is_now,
        bool_or(not is_now) as was_before
    from seen
    {{ where_dirty_week() }}
    group by week_on, feature, subject
),

sums as (
    select
        week_on,
        feature,
        count(*) filter (where is_now) as n_people,
        sum(n_days) as n_days,
        sum(n_uses) as n_uses,
        count(*) filter (where is_now and was_before) as n_returned,
        nullif(count(*) filter (where was_before), 0) as n_people_before
    from people
    group by week_on, feature
),

actives as (
    select week_on, count(*) as n_people
    from (select distinct week_on, subject from days) as active
    group by week_on
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
    {{ count_of_k('s.n_people_before') }} as n_people_before,
    case when s.n_people_before >= {{ var('k_people') }} then {{ count_of_k('s.n_returned') }} end as n_returned,
    case when s.n_people_before >= {{ var('k_people') }} then {{ count_of_k('s.n_returned') }} end
    / s.n_people_before::double precision as feature_retention
from sums as s
inner join actives as a on s.week_on = a.week_on
where s.n_people >= {{ var('k_people') }}
