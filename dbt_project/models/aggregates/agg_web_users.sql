-- A person on the web over all sessions: first is what began first, last what ended last. A view: one index range.
{{ config(materialized='view') }}

with sessions as (
    select * from {{ ref('ses_web_sessions') }}
)

select
    subject,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    count(*)::int as n_sessions,
    sum(n_page_views)::int as n_page_views,
    sum(engaged_seconds)::int as engaged_seconds,
    {% for name in ['page_scheme', 'page_host', 'page_path', 'page_title'] -%}
    (array_agg(first_{{ name }} order by started_at, ended_at, tracker_session))[1] as first_{{ name }},
    (array_agg(last_{{ name }} order by ended_at desc, started_at asc, tracker_session asc))[1] as last_{{ name }},
    {% endfor -%}
    {% for name in ['country', 'language'] -%}
    (array_agg({{ name }} order by started_at, ended_at, tracker_session))[1] as first_{{ name }},
    (array_agg(last_{{ name }} order by ended_at desc, started_at asc, tracker_session asc))[1] as last_{{ name }},
    {% endfor -%}
    {% for name in web_page_texts() if name.startswith('referrer_') or name.startswith('marketing_') -%}
    (array_agg({{ name }} order by started_at, ended_at, tracker_session))[1] as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from sessions
group by subject
