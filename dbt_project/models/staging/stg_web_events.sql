-- Events of pages and consent banners, of people who agreed to analytics. JSON is read here and nowhere below.
with events as (
    select * from {{ source('safe', 'pseudonymous_events') }}
    where subject is not null and 'analytics' = any(purposes)
),

-- A function in `from` is called once a row; written as an expression it would be called again for every column.
of_pages as (
    select
        events.*,
        merged.details,
        coalesce(events.data -> '_client_info', '{}') as client
    from events
    cross join lateral jsonb_concat(events.data, coalesce(events.data -> '_metadata', '{}')) as merged (details)
    where events.action in {{ web_actions() }} or merged.details ? 'page_view_id'
)

select
    event_id,
    subject,
    persona,
    company,
    session,
    action,
    occurred_at,
    received_at,
    event_day,
    coalesce({{ json_text('details', 'page_view_id') }}, case when action = 'page_view' then event_id end) as page_view,
    {% for name in web_page_texts() if name not in ('page_path', 'device', 'os') -%}
    {{ json_text('details', name) }} as {{ name }},
    {% endfor -%}
    coalesce({{ json_text('details', 'page_path') }}, {{ json_text('details', 'page') }}) as page_path,
    coalesce({{ json_text('details', 'device') }}, {{ json_text('client', 'device') }}) as device,
    coalesce({{ json_text('details', 'os') }}, {{ json_text('client', 'os') }}) as os,
    {% for name in web_page_numbers() + ['scroll_x', 'scroll_y', 'lcp_ms', 'fid_ms', 'inp_ms', 'ttfb_ms', 'cls'] -%}
    {{ json_number('details', name) }} as {{ name }},
    {% endfor -%}
    {% for name in web_consent_texts() -%}
    {{ json_text('details', name) }} as {{ name }},
    {% endfor -%}
    {{ json_texts('details', 'consent_scopes') }} as consent_scopes,
    {{ json_texts('details', 'consent_domains') }} as consent_domains,
    {{ json_flag('details', 'gdpr_applies') }} as gdpr_applies,
    {{ json_number('details', 'banner_seconds') }} as banner_seconds
from of_pages
