-- Who called with which API key on a UTC day.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day', 'api_key', 'known_on'], 'unique': true},
        {'columns': ['api_key', 'event_day', 'subject']},
        {'columns': ['event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_training_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select api_key, subject, event_day, known_on
    from {{ ref('stg_training_events') }}
    where event_type = 'api'
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    api_key,
    subject,
    event_day,
    known_on,
    count(*)::int as n_calls
from events
where api_key is not null
group by api_key, subject, event_day, known_on
