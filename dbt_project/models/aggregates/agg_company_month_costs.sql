-- What a company cost in a month: its use, times the prices in dbt_project.yml.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    indexes=[{'columns': ['month_on', 'company'], 'unique': true}],
    pre_hook=["{{ find_dirty_days(['agg_company_day_usage']) }}", "{{ delete_dirty_cost_months() }}"],
    post_hook="{{ record_built_days() }}"
) }}

{% set prices = var('prices') %}
with days as (
    select u.*, date_trunc('month', u.event_day)::date as month_on
    from {{ ref('agg_company_day_usage') }} as u
    {% if is_incremental() -%}
    inner join dirty_cost_months as m
        on u.event_day >= m.month_on and u.event_day < m.month_on + interval '1 month'
    {%- endif %}
),

sums as (
    select
        company,
        month_on,
        sum(n_events)::bigint as n_events,
        sum(n_api_calls)::bigint as n_api_calls,
        sum(n_tokens) as n_tokens,
        sum(compute_ms) as compute_ms,
        sum(n_events) * {{ prices.event_bytes }} + sum(request_bytes) as stored_bytes,
        sum(stated_ai_cost) as stated_ai_cost,
        sum(stated_api_cost) as stated_api_cost
    from days
    group by company, month_on
),

priced as (
    select
        company,
        month_on,
        n_events,
        n_api_calls,
        n_tokens,
        compute_ms,
        stored_bytes,
        round(compute_ms / 3600000 * {{ prices.compute_hour }}, 6) as compute_cost,
        round(stored_bytes / 1000000000 * {{ prices.gigabyte_month }} * {{ prices.months_kept }}, 6) as storage_cost,
        round(stated_api_cost + n_api_calls::numeric / 1000 * {{ prices.thousand_api_calls }}, 6) as api_cost,
        round(stated_ai_cost + n_tokens / 1000 * {{ prices.thousand_tokens }}, 6) as ai_cost
    from sums
)

select *, compute_cost + storage_cost + api_cost + ai_cost as total_cost
from priced
