-- Of the people active on a day, whoever they are: who is active again on each of the 14 days after it.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['starts_on', 'day_no'], 'unique': true}, {'columns': ['active_day']}],
    pre_hook=[
        "{{ find_dirty_days(['agg_analytics_user_day']) }}",
        "{{ delete_days_after(14, 'active_day') }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with days as (
    select subject, event_day from {{ ref('agg_analytics_user_day') }}
    {% if is_incremental() -%}
    where event_day = any(array(
        select distinct event_day - step from touched_days cross join generate_series(0, 14) as step
    ))
    {%- endif %}
),

sizes as (
    select event_day, count(*) as n_people from days group by event_day
),

looks as (
    select late.event_day as active_day, early.event_day as starts_on, early.n_people
    from sizes as late
    inner join sizes as early on late.event_day - 14 <= early.event_day and late.event_day >= early.event_day
    {{ where_touched_day('late.event_day') }}
),

retained as (
    select late.event_day as active_day, early.event_day as starts_on, count(*) as n_people
    from days as late
    inner join days as early
        on late.subject = early.subject
            and late.event_day - 14 <= early.event_day and late.event_day >= early.event_day
    {{ where_touched_day('late.event_day') }}
    group by late.event_day, early.event_day
)

select
    l.starts_on,
    l.active_day - l.starts_on as day_no,
    l.active_day,
    l.n_people as n_active_users,
    {{ count_of_k('coalesce(r.n_people, 0)') }} as n_retained,
    {{ count_of_k('coalesce(r.n_people, 0)') }}::double precision / l.n_people as retention
from looks as l
left join retained as r on l.starts_on = r.starts_on and l.active_day = r.active_day
where l.n_people >= {{ var('k_people') }}
