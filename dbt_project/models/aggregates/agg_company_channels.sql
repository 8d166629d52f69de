-- Days on which an event said through which channel a company came. The earliest counts.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['company', 'event_day'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_id, company, event_day, occurred_at, acquisition_channel
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
)

select
    company,
    event_day,
    (array_agg(acquisition_channel order by occurred_at, event_id))[1] as acquisition_channel,
    count(*)::int as n_events
from events
where company is not null and acquisition_channel is not null
group by company, event_day
