-- Company context: how active a company's people are, for personalization. Never an input of a trained model.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['company', 'event_day'], 'unique': true}, {'columns': ['event_day']}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select company, event_day, subject, component, action
    from {{ ref('stg_personalization_events') }}
    {{ where_dirty_day() }}
)

select
    company,
    event_day,
    count(*)::int as n_events,
    count(distinct subject)::int as n_subjects,
    count(distinct component)::int as n_components,
    count(distinct action)::int as n_actions
from events
where company is not null
group by company, event_day
