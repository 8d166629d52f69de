-- Active people of a day, of the 7 and of the 30 days that end with it, and stickiness. Each person counts once.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_analytics_user_day']) }}", "{{ delete_days_after(29) }}"],
    post_hook="{{ record_built_days() }}"
) }}

with days as (
    select subject, event_day, n_events, n_visits
    from {{ ref('agg_analytics_user_day') }}
    {% if is_incremental() -%}
    where event_day = any(array(
        select distinct event_day - step from touched_days cross join generate_series(0, 29) as step
    ))
    {%- endif %}
),

-- A person's day is the last active one up to some later day until the next active day: counted in that span, nobody
-- counts twice.
spans as (
    select
        event_day,
        least(lead(event_day) over (partition by subject order by event_day) - event_day, 30) as n_last,
        n_events,
        n_visits
    from days
),

sums as (
    select
        event_day,
        coalesce(n_last, 30) as n_last,
        count(*) as n_people,
        sum(n_events) as n_events,
        sum(n_visits) as n_visits
    from spans
    group by event_day, coalesce(n_last, 30)
),

shown as (
    select event_day, sum(n_people) as n_people, sum(n_events) as n_events, sum(n_visits) as n_visits
    from sums
    {% if is_incremental() %} where event_day in (select event_day from touched_days) {% endif %}
    group by event_day
),

actives as (
    select
        d.event_day,
        d.n_people::bigint as n_daily_users,
        (sum(s.n_people) filter (where s.event_day + least(s.n_last, 7) > d.event_day))::bigint as n_weekly_users,
        (sum(s.n_people) filter (where s.event_day + s.n_last > d.event_day))::bigint as n_monthly_users,
        d.n_visits::bigint as n_visits,
        d.n_events::bigint as n_events
    from shown as d
    inner join sums as s on d.event_day - 29 <= s.event_day and d.event_day >= s.event_day
    group by d.event_day, d.n_people, d.n_visits, d.n_events
)

select
    *,
    n_daily_users::double precision / n_monthly_users as stickiness,
    n_weekly_users::double precision / n_monthly_users as weekly_stickiness
from actives
where n_daily_users >= {{ var('k_people') }}
