-- Sessions: a subject's events with no pause over 30 minutes, across midnight too.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'started_at'], 'unique': true},
        {'columns': ['subject', 'ended_on']},
        {'columns': ['subject', 'started_on']},
        {'columns': ['started_on']},
        {'columns': ['ended_on']},
        {'columns': ['subject', 'n_days']},
        {'columns': ['n_days']}
    ],
    pre_hook=[
        "{{ find_dirty_days(['agg_user_fragments']) }}",
        "{{ delete_affected_sessions(ref('agg_user_fragments')) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with fragments as (
    select f.subject, f.event_day, f.started_at, f.ended_at, f.n_events, f.steps, f.known_on
    from {{ ref('agg_user_fragments') }} as f
    {% if is_incremental() -%}
    inner join affected_days as a on f.subject = a.subject and {{ same_day('f.event_day', 'a.event_day') }}
    where f.event_day = any(array(select distinct event_day from affected_days))
    {%- endif %}
),

marked as (
    select
        *,
        coalesce(
            started_at - lag(ended_at) over (partition by subject order by started_at) > {{ session_gap() }}, true
        ) as is_start
    from fragments
),

numbered as (
    select *, sum(is_start::int) over (partition by subject order by started_at) as session_no
    from marked
)

select
    subject,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    min(event_day) as started_on,
    max(event_day) as ended_on,
    (max(event_day) - min(event_day) + 1)::int as n_days,
    sum(n_events)::int as n_events,
    extract(epoch from max(ended_at) - min(started_at))::double precision as duration_seconds,
    string_agg(steps, ' > ' order by started_at) as steps,
    max(known_on) as known_on
from numbered
group by subject, session_no
