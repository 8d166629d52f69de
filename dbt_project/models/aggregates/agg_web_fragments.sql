-- Pieces of web sessions within a UTC day: one page of one session, or of one burst where the tracker names none.
-- The last index holds subjects too: with days alone the planner walks the first, once for every subject there is.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'event_day', 'tracker_session', 'burst_no', 'page_view'], 'unique': true},
        {'columns': ['subject', 'tracker_session', 'event_day']},
        {'columns': ['event_day', 'subject']}
    ],
    pre_hook=["{{ find_dirty_days(['event_days']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select * from {{ ref('stg_web_events') }}
    {{ where_dirty_day() }}
),

marked as (
    select
        *,
        session is null
        and coalesce(occurred_at - lag(occurred_at) over visit > {{ session_gap() }}, false) as is_start
    from events
    window visit as (partition by subject, event_day, session order by occurred_at, event_id)
),

numbered as (
    select
        *,
        sum(is_start::int) over (
            partition by subject, event_day, session order by occurred_at, event_id rows unbounded preceding
        )::int as burst_no
    from marked
),

ranked as (
    select
        *,
        action in ('page_view', 'page_ping') and row_number() over (
            partition by subject, event_day, session, burst_no, page_view
            order by action <> 'page_view', action <> 'page_ping', occurred_at, event_id
        ) = 1 as is_first
    from numbered
)

select
    subject,
    event_day,
    coalesce(session, '') as tracker_session,
    burst_no,
    coalesce(page_view, '') as page_view,
    min(case when action = 'page_ping' then occurred_at - {{ web_shortest_visit() }} else occurred_at end)
        as started_at,
    max(occurred_at) as ended_at,
    min(occurred_at) filter (where action = 'page_view') as viewed_at,
    max(occurred_at) filter (where action = 'page_ping') as pinged_at,
    count(*)::int as n_events,
    (count(*) filter (where action = 'page_view'))::int as n_page_loads,
    (count(*) filter (where action = 'page_ping'))::int as n_pings,
    (count(distinct floor(extract(epoch from occurred_at) / {{ web_heartbeat_seconds() }}))
        filter (where action = 'page_ping'))::int as n_heartbeats,
    coalesce(max(scroll_x) filter (where action = 'page_ping'), 0) as scroll_x,
    coalesce(max(scroll_y) filter (where action = 'page_ping'), 0) as scroll_y,
    {% for name in ['event_id', 'persona', 'company'] + web_page_attributes() -%}
    max({{ name }}) filter (where is_first) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from ranked
group by subject, event_day, session, burst_no, page_view
