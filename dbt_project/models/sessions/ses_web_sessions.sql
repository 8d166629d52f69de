-- Web sessions: by the tracker's own id, and by a pause of over 30 minutes where it names none; across midnight too.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['subject', 'tracker_session', 'started_at'], 'unique': true},
        {'columns': ['subject', 'started_on']},
        {'columns': ['subject', 'ended_on']},
        {'columns': ['subject', 'n_days']},
        {'columns': ['started_on']},
        {'columns': ['ended_on']},
        {'columns': ['n_days']}
    ],
    pre_hook=[
        "{{ find_dirty_days(['agg_web_fragments']) }}",
        "{{ delete_affected_sessions(ref('agg_web_fragments'), by_id=true) }}"
    ],
    post_hook="{{ record_built_days() }}"
) }}

with fragments as (
    {{ web_fragments_in_sessions(ref('agg_web_fragments')) }}
),

ranked as (
    select
        *,
        {{ web_place_of_page('started_at, burst_no, page_view') }} as place_from_start,
        {{ web_place_of_page('started_at desc, burst_no desc, page_view desc') }} as place_from_end
    from fragments
)

select
    subject,
    tracker_session,
    min(session_started_at) as started_at,
    max(ended_at) filter (where is_counted) as ended_at,
    min(session_started_on) as started_on,
    max(session_ended_on) as ended_on,
    (max(session_ended_on) - min(session_started_on) + 1)::int as n_days,
    (sum(n_events) filter (where is_counted))::int as n_events,
    (sum(n_page_loads) filter (where is_counted))::int as n_page_loads,
    (sum(n_pings) filter (where is_counted))::int as n_pings,
    (count(distinct page_view) filter (where is_page))::int as n_page_views,
    {{ web_engaged_seconds(
        'coalesce(sum(n_heartbeats) filter (where is_page), 0)',
        'count(distinct page_view) filter (where is_page and n_heartbeats > 0)') }} as engaged_seconds,
    {{ web_seconds_between('min(session_started_at)', 'max(ended_at) filter (where is_counted)') }} as absolute_seconds,
    not bool_and(is_counted) as is_quarantined,
    {% for name in ['company'] + web_page_texts() -%}
    max({{ name }}) filter (where is_page and place_from_start = 1) as {{ web_first(name) }},
    {% endfor -%}
    {% for name in ['page_scheme', 'page_host', 'page_path', 'page_title', 'country', 'language'] -%}
    max({{ name }}) filter (where is_page and place_from_end = 1) as last_{{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from ranked
group by subject, tracker_session, session_no
having bool_or(is_page)
