-- Page views: what a session's person saw, each page once, with its place in the session and the time spent on it.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'tracker_session', 'session_started_at', 'page_view'], 'unique': true},
        {'columns': ['subject', 'session_started_on']},
        {'columns': ['subject', 'session_ended_on']},
        {'columns': ['subject', 'session_n_days']},
        {'columns': ['session_started_on']},
        {'columns': ['session_ended_on']},
        {'columns': ['session_n_days']}
    ],
    pre_hook=[
        "{{ find_dirty_days(['agg_web_fragments']) }}",
        "{{ delete_affected_sessions(ref('agg_web_fragments'), by_id=true, prefix='session_') }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with fragments as (
    {{ web_fragments_in_sessions(ref('agg_web_fragments')) }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by subject, tracker_session, session_no, page_view
            order by viewed_at nulls last, started_at, burst_no
        ) = 1 as is_first
    from fragments
    where is_page
),

page_views as (
    select
        subject,
        tracker_session,
        min(session_started_at) as session_started_at,
        min(session_started_on) as session_started_on,
        max(session_ended_on) as session_ended_on,
        (max(session_ended_on) - min(session_started_on) + 1)::int as session_n_days,
        page_view,
        min(viewed_at) as started_at,
        greatest(min(viewed_at), max(pinged_at)) as ended_at,
        sum(n_page_loads)::int as n_page_loads,
        sum(n_pings)::int as n_pings,
        {{ web_engaged_seconds('sum(n_heartbeats)', 'least(sum(n_heartbeats), 1)') }} as engaged_seconds,
        max(scroll_x) as scroll_x,
        max(scroll_y) as scroll_y,
        {% for name in ['event_id', 'persona', 'company'] + web_page_attributes() -%}
        max({{ name }}) filter (where is_first) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from ranked
    group by subject, tracker_session, session_no, page_view
    having sum(n_page_loads) > 0
)

select
    *,
    {{ web_seconds_between('started_at', 'ended_at') }} as absolute_seconds,
    {{ web_percent_seen('scroll_x', 'view_width', 'page_width') }} as width_seen_percent,
    {{ web_percent_seen('scroll_y', 'view_height', 'page_height') }} as height_seen_percent,
    (row_number() over (in_session order by started_at, event_id))::int as place_in_session,
    (count(*) over in_session)::int as n_page_views_in_session
from page_views
window in_session as (partition by subject, tracker_session, session_started_at)
