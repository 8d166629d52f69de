-- How many events of a UTC day are what each aggregate counts: one reading of events that their tests share.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select
        event_day, event_type, subject, company, component, action, is_bot, acquisition_channel, endpoint,
        prompt_template, rating, experiment, variant
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
)

select
    event_day,
    count(*) as n_events,
    count(*) filter (where company is not null) as n_of_companies,
    count(*) filter (where subject is not null and is_bot is not true) as n_of_people,
    count(*) filter (where action = 'prompt' and subject is not null and is_bot is not true) as n_prompts,
    count(*) filter (where company is not null and acquisition_channel is not null) as n_channels,
    count(*) filter (where event_type = 'api' and endpoint is not null) as n_calls,
    count(*) filter (where event_type = 'ai' and subject is not null and prompt_template is not null) as n_of_templates,
    count(*) filter (
        where action in ('rating', 'review') and subject is not null and component is not null and rating is not null
    ) as n_ratings,
    count(*) filter (where subject is not null and experiment is not null and variant is not null) as n_of_experiments,
    count(*) filter (where event_type = 'content') as n_of_content,
    count(*) filter (where event_type = 'system' and action = 'metrics') as n_samples
from events
group by event_day
