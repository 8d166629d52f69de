-- How an endpoint answered on a UTC day. Percentiles are exact: an answer of that day, never between two.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['event_day', 'endpoint', 'http_method'], 'unique': true}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with calls as (
    select
        endpoint,
        coalesce(method, 'unknown') as http_method,
        event_day,
        subject,
        status,
        latency_ms,
        request_bytes,
        is_error
    from {{ ref('stg_analytics_events') }}
    where event_type = 'api'
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    endpoint,
    http_method,
    event_day,
    count(*)::int as n_requests,
    count(distinct subject)::int as n_subjects,
    (count(*) filter (where is_error))::int as n_errors,
    (count(*) filter (where status >= 400 and status < 500))::int as n_refused,
    round((count(*) filter (where is_error))::numeric / count(*), 6) as error_rate,
    round(count(*) / 86400.0, 6) as requests_per_second,
    count(latency_ms)::int as n_latencies,
    coalesce(sum(latency_ms), 0) as sum_latency_ms,
    round(avg(latency_ms), 6) as avg_latency_ms,
    percentile_disc(0.5) within group (order by latency_ms) as p50_latency_ms,
    percentile_disc(0.95) within group (order by latency_ms) as p95_latency_ms,
    percentile_disc(0.99) within group (order by latency_ms) as p99_latency_ms,
    coalesce(sum(request_bytes), 0) as sum_request_bytes
from calls
where endpoint is not null
group by endpoint, http_method, event_day
