-- How the assistant did in a day, per model, intent and prompt template.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['event_day', 'ai_model', 'intent', 'prompt_template'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_ai_exchanges']) }}", "{{ delete_dirty_days() }}"],
    post_hook="{{ record_built_days() }}"
) }}

with exchanges as (
    select * from {{ ref('agg_ai_exchanges') }}
    {{ where_dirty_day() }}
),

sums as (
    select
        event_day,
        ai_model,
        intent,
        prompt_template,
        count(distinct subject) as n_people,
        count(distinct subject) filter (where rating is not null) as n_raters,
        count(*) as n_exchanges,
        count(*) filter (where has_succeeded) as n_succeeded,
        count(*) filter (where is_edited) as n_edited,
        count(*) filter (where is_regenerated) as n_regenerated,
        avg(rating) as mean_rating,
        percentile_disc(array[0.5, 0.95]) within group (order by latency_ms) as latencies,
        sum(n_prompt_tokens + n_response_tokens) as n_tokens,
        sum(n_response_tokens) filter (where latency_ms > 0) as n_timed_tokens,
        sum(latency_ms) filter (where latency_ms > 0) as sum_latency_ms,
        sum(total_cost) as total_cost
    from exchanges
    group by event_day, ai_model, intent, prompt_template
)

select
    event_day,
    ai_model,
    intent,
    prompt_template,
    n_people,
    n_exchanges,
    n_succeeded,
    n_succeeded::double precision / n_exchanges as success_rate,
    n_edited::double precision / n_exchanges as edit_rate,
    n_regenerated::double precision / n_exchanges as regeneration_rate,
    case when n_raters >= {{ var('k_people') }} then mean_rating end::double precision as mean_rating,
    latencies[1]::double precision as latency_ms_p50,
    latencies[2]::double precision as latency_ms_p95,
    (1000 * n_timed_tokens / sum_latency_ms)::double precision as tokens_per_second,
    n_tokens::bigint as n_tokens,
    total_cost
from sums
where n_people >= {{ var('k_people') }}
