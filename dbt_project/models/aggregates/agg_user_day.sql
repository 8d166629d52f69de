-- What a subject did on a UTC day. Sums are exact types, so that any order of events gives the same bytes.
-- No index on (event_day, subject): for one subject's year the planner would take it and read everybody's.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day'], 'unique': true},
        {'columns': ['event_day']},
        {'columns': ['company', 'event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select * from {{ ref('stg_training_events') }}
    {{ where_dirty_day() }}
),

marked as (
    {{ user_day_events('events', ['subject', 'event_day']) }}
)

select
    subject,
    event_day,
    {{ user_day_sums() }}
from marked
group by subject, event_day
