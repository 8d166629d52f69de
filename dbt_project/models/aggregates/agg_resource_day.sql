-- What a machine used on a UTC day: processor, memory, jobs that wait.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[
        {'columns': ['event_day', 'machine'], 'unique': true}
    ],
    pre_hook=["{{ find_dirty_days(['event_days'], ref('agg_analytics_counts')) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with samples as (
    select coalesce(resource, 'unknown') as machine, event_day, cpu_percent, memory_percent, queue_length, latency_ms
    from {{ ref('stg_analytics_events') }}
    where event_type = 'system' and action = 'metrics'
        {% if is_incremental() %} and event_day = any(array(select event_day from dirty_days)) {% endif %}
)

select
    machine,
    event_day,
    count(*)::int as n_samples,
    {%- for column in ['cpu_percent', 'memory_percent', 'queue_length'] %}
    round(avg({{ column }}), 6) as avg_{{ column }},
    percentile_disc(0.95) within group (order by {{ column }}) as p95_{{ column }},
    max({{ column }}) as max_{{ column }},
    {%- endfor %}
    round(avg(latency_ms), 6) as avg_latency_ms
from samples
group by machine, event_day
