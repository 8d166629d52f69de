-- A subject's day as it was known until later events of that day came in: for features of the time between.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day', 'known_on'], 'unique': true},
        {'columns': ['event_day']},
        {'columns': ['company', 'event_day']}
    ],
    pre_hook=["{{ find_dirty_days(['agg_user_day']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with days as (
    select subject, event_day from {{ ref('agg_user_day') }}
    where first_known_on < known_on
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
),

-- Not every column: two steps read this one, so what it names is worked out for every event.
events as (
    select
        e.event_id, e.subject, e.event_day, e.occurred_at, e.known_on, e.company, e.component, e.action, e.is_bot,
        e.is_error, e.n_items, e.latency_ms, e.rating
    from {{ ref('stg_training_events') }} as e
    inner join days as d on e.subject = d.subject and e.event_day = d.event_day
    where e.event_day = any(array(select distinct event_day from days))
),

versions as (
    select
        subject,
        event_day,
        known_on as last_known_on,
        lead(known_on) over (partition by subject, event_day order by known_on) as superseded_on
    from (select distinct subject, event_day, known_on from events) as receipts
),

known as (
    select e.*, v.superseded_on
    from versions as v
    inner join events as e on v.subject = e.subject and v.event_day = e.event_day and v.last_known_on >= e.known_on
    where v.superseded_on is not null
),

marked as (
    {{ user_day_events('known', ['subject', 'event_day', 'superseded_on']) }}
)

select
    subject,
    event_day,
    {{ user_day_sums() }},
    superseded_on
from marked
group by subject, event_day, superseded_on
