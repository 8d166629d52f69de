-- People by their first day: the cohort that retention, adoption and lifecycle count them in.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject'], 'unique': true}, {'columns': ['first_day']}, {'columns': ['signup_week']}],
    pre_hook=[
        "{{ find_dirty_days(['agg_analytics_user_day']) }}",
        "{{ delete_touched_users(ref('agg_analytics_user_day')) }}"
    ],
    post_hook=["{{ record_built_days() }}", "{{ record_moved_users() }}"]
) }}

with people as (
    {% if is_incremental() -%}
    select subject from touched_users
    {%- else -%}
    select distinct subject from {{ ref('agg_analytics_user_day') }}
    {%- endif %}
),

first_days as (
    select p.subject, first_seen.event_day as first_day
    from people as p
    cross join lateral (
        select event_day from {{ ref('agg_analytics_user_day') }}
        where subject = p.subject order by event_day limit 1
    ) as first_seen
),

plans as (
    select f.subject, last_named.plan
    from first_days as f
    cross join lateral (
        select plan from {{ ref('agg_analytics_user_day') }}
        where subject = f.subject and plan is not null
            and event_day >= f.first_day and event_day <= f.first_day + 6
        order by event_day desc limit 1
    ) as last_named
)

select
    subject,
    first_day,
    {{ week_of('first_day') }} as signup_week,
    {{ tier_of('plan') }} as tier
from first_days
left join plans using (subject)
