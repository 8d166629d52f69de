{#
  What the web models read of an event. The keys stand in the event's data or metadata (docs/web_events.md); JSON is
  read in staging, and nowhere below.
#}
{% macro web_actions() -%}
    ('page_view', 'page_ping', 'web_vitals', 'cmp_visible', 'consent_preferences')
{%- endmacro %}

{# Attributes of a page: those of its first view (or, where none is known, of its first ping) stand for it. #}
{% macro web_page_texts() -%}
    {% do return([
        'page_scheme', 'page_host', 'page_path', 'page_title', 'referrer_scheme', 'referrer_host', 'referrer_path',
        'marketing_medium', 'marketing_source', 'marketing_campaign', 'marketing_network', 'country', 'language',
        'timezone', 'device', 'os', 'browser'
    ]) %}
{%- endmacro %}

{% macro web_page_numbers() -%}
    {% do return(['view_width', 'view_height', 'page_width', 'page_height']) %}
{%- endmacro %}

{% macro web_page_attributes() -%} {% do return(web_page_texts() + web_page_numbers()) %} {%- endmacro %}

{% macro web_consent_texts() -%}
    {% do return(['consent_type', 'consent_basis', 'consent_version', 'consent_url']) %}
{%- endmacro %}

{# A tracker sends a ping so often while a page is being looked at, and a view counts this long at the least. #}
{% macro web_heartbeat_seconds() -%} 10 {%- endmacro %}
{% macro web_shortest_visit() -%} interval '5 seconds' {%- endmacro %}

{# Pages begun later than this after the first event are not the session's: it is quarantined. #}
{% macro web_longest_session() -%} interval '3 days' {%- endmacro %}

{# Seconds of attention: heartbeats seen, less what the first of each page with any counts too much. #}
{% macro web_engaged_seconds(heartbeats, pages_with_pings) -%}
    ({{ web_heartbeat_seconds() }} * {{ heartbeats }} - 5 * {{ pages_with_pings }})::int
{%- endmacro %}

{# Second hands that pass between two moments, as SQL warehouses count. #}
{% macro web_seconds_between(started_at, ended_at) -%}
    (extract(epoch from date_trunc('second', {{ ended_at }}))
    - extract(epoch from date_trunc('second', {{ started_at }})))::int
{%- endmacro %}

{# The share of a page that was on the screen at the furthest scroll, in whole percent; null when sizes are unknown. #}
{% macro web_percent_seen(scroll, view, page) -%}
    round(100 * least({{ scroll }} + {{ view }}, {{ page }}) / nullif({{ page }}, 0))::int
{%- endmacro %}

{# In a session, the place of a page among those that count; pieces without a page come last. #}
{% macro web_place_of_page(order) -%}
    row_number() over (partition by subject, tracker_session, session_no order by is_page desc, {{ order }})
{%- endmacro %}

{# The name of a session's attribute that is taken from its first page; who refers and pays is known there alone. #}
{% macro web_first(name) -%}
    {{ 'first_' ~ name if name.startswith('page_') else name }}
{%- endmacro %}

{#
  Fragments with the session that they belong to: its number within the subject (and the tracker's id), its start and
  days, whether the fragment began before the session's longest time was over, and whether it then shows a page.
#}
{% macro web_fragments_in_sessions(fragments) -%}
    select *, is_counted and n_page_loads + n_pings > 0 as is_page
    from (
        select
            *,
            min(started_at) over in_session as session_started_at,
            min(event_day) over in_session as session_started_on,
            max(event_day) over in_session as session_ended_on,
            tracker_session = '' or started_at < min(started_at) over in_session + {{ web_longest_session() }}
                as is_counted
        from (
            select
                *,
                sum(is_start::int) over (
                    partition by subject, tracker_session order by started_at, burst_no, page_view
                    rows unbounded preceding
                ) as session_no
            from (
                select
                    f.*,
                    tracker_session = '' and coalesce(
                        f.started_at - max(f.ended_at) over (
                            partition by f.subject, f.tracker_session order by f.started_at, f.burst_no, f.page_view
                            rows between unbounded preceding and 1 preceding
                        ) > {{ session_gap() }},
                        false
                    ) as is_start
                from {{ fragments }} as f
                {% if is_incremental() -%}
                inner join affected_days as a on f.subject = a.subject and {{ same_day('f.event_day', 'a.event_day') }}
                where f.event_day = any(array(select distinct event_day from affected_days))
                {%- endif %}
            ) as marked
        ) as numbered
        window in_session as (partition by subject, tracker_session, session_no)
    ) as bounded
{%- endmacro %}

{# Good, needs improvement or poor by the two bounds that web.dev publishes for a vital; null where not measured. #}
{% macro web_vital_grade(value, good, poor) -%}
    case when {{ value }} <= {{ good }} then 'good' when {{ value }} <= {{ poor }} then 'needs improvement'
        when {{ value }} is not null then 'poor' end
{%- endmacro %}
