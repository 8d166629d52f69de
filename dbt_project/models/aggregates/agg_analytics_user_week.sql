-- What a person did in a week that begins on a Monday. Adds days up, so that weekly marts read a row a person.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['week_on', 'subject'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_analytics_user_day']) }}", "{{ delete_dirty_weeks() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with days as (
    select *, {{ week_of('event_day') }} as week_on
    from {{ ref('agg_analytics_user_day') }}
    {{ where_day_of_dirty_week() }}
)

select
    subject,
    week_on,
    count(*)::int as n_active_days,
    sum(n_events)::int as n_events,
    sum(n_visits)::int as n_visits,
    sum(n_ai_interactions)::int as n_ai_interactions
from days
group by subject, week_on
