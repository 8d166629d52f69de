{#
  A subject's day in one row: the columns that agg_user_day and agg_user_day_superseded share, so that a version of a
  day known earlier is made exactly as the day itself.
#}

{# Events with what a sum over them needs; `version` lists the columns whose rows make one row of the table. #}
{% macro user_day_events(events, version) -%}
    select
        {{ version | join(', ') }}, known_on, event_id, occurred_at, company, component, action, is_bot, is_error,
        n_items, latency_ms, rating,
        extract(hour from occurred_at at time zone 'UTC') as hour_of_day,
        coalesce(occurred_at - lag(occurred_at) over burst > {{ session_gap() }}, true) as is_burst_start
    from {{ events }}
    window burst as (partition by {{ version | join(', ') }} order by occurred_at, event_id)
{%- endmacro %}

{% macro user_day_sums() %}
    (array_agg(company order by occurred_at desc, event_id desc) filter (where company is not null))[1] as company,
    coalesce(bool_or(is_bot), false) as is_bot,
    max(occurred_at) as last_event_at,
    count(*)::int as n_events,
    (count(*) filter (where hour_of_day < 7 or hour_of_day >= 19))::int as n_off_hours_events,
    (count(*) filter (where is_error))::int as n_errors,
    array_agg(distinct component) filter (where component is not null) as components,
    array_agg(distinct action) as actions,
    count(n_items)::int as n_sized_events,
    coalesce(sum(round(ln(1 + greatest(n_items, 0)), 6)), 0) as sum_log_items,
    count(latency_ms)::int as n_latencies,
    coalesce(sum(latency_ms), 0) as sum_latency_ms,
    count(rating)::int as n_ratings,
    coalesce(sum(rating), 0) as sum_ratings,
    min(occurred_at) as first_event_at,
    (count(*) filter (where is_burst_start))::int as n_bursts,
    min(known_on) as first_known_on,
    max(known_on) as known_on
{% endmacro %}

{# In a condition on agg_user_day_versions: the one version of a day that was known when the cutoff's day began. #}
{% macro was_known_at(day, cutoff) -%}
    {{ day }}.known_on < {{ cutoff }} and {{ day }}.superseded_on >= {{ cutoff }}
{%- endmacro %}
