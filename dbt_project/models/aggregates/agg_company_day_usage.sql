-- What a company's use of the product took on a UTC day: calls, tokens, machine time, bytes, and stated costs.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'company'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with events as (
    select company, event_day, event_type, latency_ms, n_tokens, request_bytes, cost
    from {{ ref('stg_analytics_events') }}
    {{ where_dirty_day() }}
)

select
    company,
    event_day,
    count(*) as n_events,
    count(*) filter (where event_type = 'api' and cost is null) as n_api_calls,
    coalesce(sum(n_tokens) filter (where event_type = 'ai' and cost is null), 0) as n_tokens,
    coalesce(sum(greatest(latency_ms, 0)), 0) as compute_ms,
    coalesce(sum(greatest(request_bytes, 0)), 0) as request_bytes,
    coalesce(sum(cost) filter (where event_type = 'ai'), 0) as stated_ai_cost,
    coalesce(sum(cost) filter (where event_type <> 'ai'), 0) as stated_api_cost
from events
where company is not null
group by company, event_day
