-- What a person did on a UTC day: the source of marts about usage. Bots and events that are nobody's are left out.
-- No index on (event_day, subject): for one person's weeks the planner would take it and look once a day.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['subject', 'event_day'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days', 'agg_analytics_visits'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_id, subject, event_day, occurred_at, company, action, plan, feature, is_bot
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
),

of_people as (
    select * from events where subject is not null and is_bot is not true
),

days as (
    select
        subject,
        event_day,
        (array_agg(company order by occurred_at desc, event_id desc) filter (where company is not null))[1] as company,
        (array_agg(plan order by occurred_at desc, event_id desc) filter (where plan is not null))[1] as plan,
        count(*)::int as n_events,
        (count(*) filter (where action = 'prompt'))::int as n_ai_interactions
    from of_people
    group by subject, event_day
),

feature_uses as (
    select subject, event_day, feature, count(*)::int as n_uses
    from of_people
    where feature is not null
    group by subject, event_day, feature
),

features as (
    select
        subject,
        event_day,
        array_agg(feature order by feature) as features,
        array_agg(n_uses order by feature) as feature_uses
    from feature_uses
    group by subject, event_day
),

visits as (
    select subject, event_day, count(*)::int as n_visits
    from {{ ref('agg_analytics_visits') }}
    {{ where_dirty_day() }}
    group by subject, event_day
)

select
    days.*,
    coalesce(visits.n_visits, 0) as n_visits,
    coalesce(features.features, array[]::text[]) as features,
    coalesce(features.feature_uses, array[]::int[]) as feature_uses
from days
left join visits using (subject, event_day)
left join features using (subject, event_day)
