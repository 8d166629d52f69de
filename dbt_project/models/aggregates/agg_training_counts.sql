-- How many events of a UTC day are what each aggregate counts: one reading of events that their tests share.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select event_day, event_type, company, action, api_key, feature, has_succeeded
    from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
)

select
    event_day,
    count(*) as n_events,
    count(*) filter (where feature is not null) as n_of_features,
    count(*) filter (where event_type = 'ai') as n_ai,
    count(*) filter (where event_type = 'security') as n_security,
    count(*) filter (where event_type = 'api' and api_key is not null) as n_key_calls,
    count(*) filter (
        where action in ('call', 'prompt', 'search', 'payment_method_change', 'payment_failed')
    ) as n_requests,
    count(*) filter (
        where action = 'payment' and company is not null and has_succeeded is not false
    ) as n_purchases,
    count(*) filter (
        where event_type = 'content' and action in ('reference_created', 'reference_corrected')
    ) as n_references
from events
group by event_day
